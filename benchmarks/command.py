"""``python -m benchmarks``: bpx on its engines beside its peers, in one run.

::

    python -m benchmarks [--out FOLDER] [--gpu] [--cases S,M] [--peers NAME,NAME] [--only ...]

`benchmarks.cases` says what is trained, on random arrays of MNIST's shape, and
`benchmarks.peers` what each one does. All are timed by the same clock, round by round, one
after another (`benchmarks.rounds`): shown are medians over the rounds, and medians of the
ratios within each round. ``--out`` names the folder for ``results.json`` and
``results.md``, which are written anew after each table, and for the picture of the training
steps, ``training.svg`` and ``training.png``.

``--gpu`` does the same on a CUDA device, with the peers that run there, between CUDA events,
and epochs as long as MNIST's. Matrix products are computed in full float32 by all, or by all
in TF32 with ``--tf32``.

The threads are left as they are: by default every library takes all cores that the process
may use. They are printed, and where they are not alike that is said: ``OMP_NUM_THREADS``
means nothing to JAX, but ``taskset -c 0 python -m benchmarks`` gives all of them one. On a
busy machine the threads of a pool wait for one another, and ratios of such times say
nothing: the load is printed with each table. On one core, ``--clock cpu`` counts the
process's own time alone.
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
        print(f"### What is asked\n\n{asked.show(results['asked'])}\n")
    print(document.settings(results), "not measured:", sep="\n\n")
    print("\n".join(f"- {each}" for each in missing(results)))


def _measure(
    name: str, settings: Settings, results: dict[str, Any], folder: Path | None
) -> None:
    """One section: each part is printed and kept as soon as it is there."""
    section = SECTIONS[name]
    results[name] = {}
    print(f"### {section.TITLE}\n", flush=True)
    for part, found in section.measure(settings, results):
        results[name][part] = found
        print(section.show(part, found), end="\n\n", flush=True)
        _keep(results, folder)


def _keep(results: dict[str, Any], folder: Path | None) -> None:
    device, training = results["settings"]["device"], results.get("training", {})
    results["threads"], results["blas"] = machine.threads(), machine.blas()
    results["asked"] = list(asked.answers(device, training))
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
        ("cases", list(CASES), "what is trained"),
        ("peers", _names(PEERS), "who trains"),
        ("only", list(SECTIONS), "what is measured"),
    ):
        default = None if name == "peers" else known
        told = f"{text}, of {', '.join(known)}; all"
        parser.add_argument(
            f"--{name}", type=some(known), default=default, metavar="NAME,NAME", help=told
        )
    parser.add_argument("--repeats", type=int, default=5, help="rounds; 5")
    parser.add_argument("--window", type=float, default=0.3, help="seconds, at least; 0.3")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write all of it there")
    parser.add_argument("--gpu", action="store_true", help="on a CUDA device")
    parser.add_argument("--tf32", action="store_true", help="products in TF32, with --gpu")
    parser.add_argument("--clock", choices=CLOCKS, help="wall; with --gpu events")
    return parser


def some(known: Sequence[str]) -> Any:
    """Reads names that are separated by commas."""

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
