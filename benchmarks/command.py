"""``python -m benchmarks``: bpx on its engines beside its peers, in one run.

::

    python -m benchmarks [--out FOLDER] [--gpu] [--cases S,M] [--peers NAME,NAME] [--only ...]

`benchmarks.cases` defines the networks, which train on random arrays of MNIST's shape, and
`benchmarks.peers` defines the peers. The same clock times all of them, round by round, one
after another (`benchmarks.rounds`). The tables show medians over the rounds, and medians of
the ratios within each round. ``--out`` names the folder for ``results.json`` and
``results.md``, which are rewritten after each table, and for the picture of the training
steps, ``training.svg`` and ``training.png``.

``--gpu`` does the same on a CUDA device, with the peers that run there, between CUDA events,
and with epochs as long as MNIST's. All peers compute matrix products in full float32, or all
of them in TF32 with ``--tf32``.

The benchmark does not set the number of threads: by default every library uses all cores that
the process may use. It prints the threads, and says if they differ: JAX ignores
``OMP_NUM_THREADS``, but ``taskset -c 0 python -m benchmarks`` gives every library one thread.
On a busy machine the threads of a pool wait for one another, and ratios of such times mean
nothing, so each table comes with the load. On one core, ``--clock cpu`` counts only the
process's own time.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import asked, cuda, document, machine, plot, precision
from benchmarks.cases import CASES, MNIST
from benchmarks.clock import CLOCKS
from benchmarks.document import SECTIONS, markdown, missing, title
from benchmarks.peers import PEERS, Peer, available
from benchmarks.report import heading, write
from benchmarks.settings import Settings

__all__ = ["main", "some"]


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = _parser()
    options = parser.parse_args(arguments)
    precision.settle(options.tf32)
    _check(options, parser)
    settings, results = _begin(options)
    print(heading(title(results), results["environment"]), flush=True)
    for name in (name for name in SECTIONS if name in options.only):
        _measure(name, settings, results, options.out)
    if options.out and results.get("training"):
        plot.write(results["training"], _caption(results), options.out)
    if "training" in results:
        print(f"### Targets\n\n{asked.show(results['asked'])}\n")
    print(document.settings(results), "not measured:", sep="\n\n")
    print("\n".join(f"- {each}" for each in missing(results)))


def _measure(
    name: str, settings: Settings, results: dict[str, Any], folder: Path | None
) -> None:
    """Measure one section; print and keep each part as soon as it is done."""
    section = SECTIONS[name]
    results[name] = {}
    print(f"### {section.TITLE}\n", flush=True)
    for part, found in section.measure(settings, results):
        results[name][part] = found
        print(section.show(part, found), end="\n\n", flush=True)
        _keep(results, folder)


def _keep(results: dict[str, Any], folder: Path | None) -> None:
    settings, training = results["settings"], results.get("training", {})
    results["threads"], results["blas"] = machine.threads(), machine.blas()
    results["asked"] = list(asked.answers(settings["device"], settings["clock"], training))
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        write(folder / "results.json", results)
        (folder / "results.md").write_text(markdown(results), encoding="utf-8")


def _caption(results: dict[str, Any]) -> str:
    where = title(results).removeprefix("Benchmarks on ")
    return f"A training step on {where}: median and range of the rounds; further left is faster"


def _begin(options: argparse.Namespace) -> tuple[Settings, dict[str, Any]]:
    device = "cuda" if options.gpu else "cpu"
    peers, left_out = available(device)
    settings = Settings(
        cases=tuple(_case(name, device) for name in options.cases),
        peers=tuple(peer for peer in peers if peer.name in (options.peers or _names(PEERS))),
        device=device,
        repeats=options.repeats,
        window=options.window,
        clock=options.clock or ("events" if options.gpu else "wall"),
    )
    chosen = {"tf32": options.tf32, "cases": options.cases, "peers": _names(settings.peers)}
    how = {name: getattr(settings, name) for name in ("device", "repeats", "window", "clock")}
    facts = machine.environment() | (cuda.facts() if options.gpu else {})
    unasked = {name: "not asked for" for name in _names(peers) if name not in chosen["peers"]}
    results = {
        "environment": facts,
        "settings": how | chosen,
        "left out": left_out | unasked,
    }
    _keep(results, None)
    return settings, results


def _case(name: str, device: str) -> Any:
    case = CASES[name]
    return case.lasting(MNIST) if device == "cuda" else case


def _names(peers: Sequence[Peer]) -> list[str]:
    return list(dict.fromkeys(peer.name for peer in peers))


def _parser() -> argparse.ArgumentParser:
    about = "bpx on its engines beside its peers, in one run"
    parser = argparse.ArgumentParser("benchmarks", description=about)
    for name, known, text in (
        ("cases", list(CASES), "networks to train"),
        ("peers", _names(PEERS), "peers to run"),
        ("only", list(SECTIONS), "sections to measure"),
    ):
        default = None if name == "peers" else known
        told = f"{text}, from {', '.join(known)}; all by default"
        parser.add_argument(
            f"--{name}", type=some(known), default=default, metavar="NAME,NAME", help=told
        )
    parser.add_argument("--repeats", type=int, default=5, help="number of rounds; 5 by default")
    parser.add_argument(
        "--window",
        type=float,
        default=0.3,
        help="minimum seconds of a measurement; 0.3 by default",
    )
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write all results there")
    parser.add_argument("--gpu", action="store_true", help="measure on a CUDA device")
    parser.add_argument(
        "--tf32", action="store_true", help="compute products in TF32, with --gpu"
    )
    parser.add_argument("--clock", choices=CLOCKS, help="default: wall; with --gpu, events")
    return parser


def some(known: Sequence[str]) -> Any:
    """A parser of names that are separated by commas."""

    def names(text: str) -> list[str]:
        unknown = [name for name in text.split(",") if name not in known]
        if unknown:
            told = f"no {', '.join(unknown)}; known: {', '.join(known)}"
            raise argparse.ArgumentTypeError(told)
        return text.split(",")

    return names


def _check(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    if options.repeats < 1:
        parser.error("--repeats is the number of rounds: at least 1")
    if options.clock == "cpu" and machine.cores() > 1:
        parser.error("--clock cpu adds up the time of all threads: pin to one core (taskset)")
    if (options.tf32 or options.clock == "events") and not options.gpu:
        parser.error("--tf32 and --clock events are of a GPU: add --gpu")
    if options.window < 0:
        parser.error("--window is in seconds: at least 0")
    if options.out is not None:
        try:
            options.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            parser.error(f"--out: {error}")
    if options.gpu and cuda.library() is None:
        parser.error("--gpu: neither PyTorch nor CuPy sees a CUDA device here")
