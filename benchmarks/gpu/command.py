"""``python -m benchmarks.gpu``: bpx on a GPU, checked and measured in one call.

::

    python -m benchmarks.gpu --out FOLDER [--dry-run] [--only smoke,...]

Its stages are a smoke test of CuPy, PyTorch and JAX (do they compute, do they train as NumPy
does, are steps captured), the tests of the engines, the table of the cases S, M and L beside
peers, and all other GPU tests. ``FOLDER`` gets ``results.json`` and ``results.md``, rewritten
after each stage, and a log of each stage.

The exit code is 0 only if every part of every stage passes. The table of the stages counts
skipped parts separately, and they make the exit code 1. Without a CUDA device the command says
so, and exits with 1. ``--dry-run`` runs the same stages in tiny sizes on CPU backends, and some
GPU tests, which are then skipped: a failure there is a failure of this command.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

from benchmarks.gpu import stages
from benchmarks.gpu.document import markdown, summary
from benchmarks.gpu.outcomes import OUTCOMES
from benchmarks.gpu.stages import DRY_MINUTES, MINUTES, Result, Stage
from benchmarks.report import write

__all__ = ["main"]

LEAST = 10.0
"""Seconds; with less time left, no further stage starts."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all stages; 0 if everything passes, else 1."""
    options = _options(arguments)
    folder: Path = options.out
    folder.mkdir(parents=True, exist_ok=True)
    minutes = options.minutes or (DRY_MINUTES if options.dry_run else MINUTES)
    end = monotonic() + 60.0 * minutes
    first, facts = stages.device(folder)
    if "problem" in facts and not options.dry_run:
        print(
            f"no CUDA device can be used here: {facts['problem']}; on the CPU, --dry-run runs "
            "the stages in tiny sizes"
        )
        return 1
    found = {"device": first}
    _keep(folder, facts, found, options)
    for stage in stages.stages(options.dry_run):
        if options.only is None or stage.name in options.only:
            found[stage.name] = _run(stage, folder, end - monotonic())
            _keep(folder, facts, found, options)
    print(f"\n{summary(found)}\n\nwritten: {folder / 'results.md'}, {folder / 'results.json'}")
    return 0 if all(_as_asked(each, options.dry_run) for each in found.values()) else 1


def _run(stage: Stage, folder: Path, left: float) -> Result:
    if left < LEAST:
        return Result("not run", why="no time was left")
    print(f"{stage.name} ...", end=" ", flush=True)
    found = stages.result(stage, folder, left)
    counts = ", ".join(f"{found.count(kind)} {kind}" for kind in OUTCOMES)
    print(f"{found.outcome}: {counts}, {found.seconds:.0f} s. {found.why}".rstrip(), flush=True)
    return found


def _as_asked(result: Result, dry: bool) -> bool:
    return result.outcome == "passed" or (dry and result.outcome == "skipped")


def _keep(
    folder: Path, facts: Mapping[str, Any], found: Mapping[str, Result], options: Any
) -> None:
    told = {
        name: each._asdict() | {"parts": [part._asdict() for part in each.parts]}
        for name, each in found.items()
    }
    results = {"dry run": options.dry_run, "environment": dict(facts), "stages": told}
    write(folder / "results.json", results)
    settings = (
        "float32, the products in full float32 (no TF32) where no other precision is named; "
        "the table is timed between CUDA events, in three rounds, over whole epochs of "
        "MNIST's length."
    )
    text = markdown(facts, found, options.dry_run, "" if options.dry_run else settings)
    (folder / "results.md").write_text(text, encoding="utf-8")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "benchmarks.gpu", description="smoke, tests and the table on a GPU, in one call"
    )
    names = [stage.name for stage in stages.stages(dry=False)]
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FOLDER", help="where the results go"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="use tiny sizes, on CPU backends"
    )
    parser.add_argument(
        "--only", action="append", choices=names, help="a stage to run; may be repeated"
    )
    parser.add_argument(
        "--minutes", type=float, help=f"limit of the whole run; {MINUTES:g} by default"
    )
    return parser.parse_args(arguments)
