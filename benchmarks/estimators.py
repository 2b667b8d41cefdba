"""`bpx.sklearn` beside scikit-learn's own classes: the same calls, with another import.

::

    python -m benchmarks.estimators [--data FOLDER] [--cases mnist,table,search] [--seeds 5]

``mnist`` and ``table`` fit `MLPClassifier` with its defaults, but for `max_iter` and ``tol=0``,
on float32, on one core, by CPU time; each seed is a round, and the accuracy is that on samples
that were not trained on. ``search`` is `GridSearchCV` with two workers, by the wall clock, in a
new process for each round, so the workers start cold. Only ``mnist`` needs the data.
"""

import argparse
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from benchmarks.clock import cpu
from benchmarks.machine import busy, environment
from benchmarks.report import band, heading, table, write
from benchmarks.rounds import in_turn, interval, ratio, ratios

__all__ = ["CASES", "Case", "Result", "estimator", "main", "samples", "shown"]

ROOT = Path(__file__).parents[1]
MODULES = {"bpx": "bpx.sklearn", "scikit-learn": "sklearn.neural_network"}
SEARCH = "search"
ONE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
HEAD = ("case", "", "seconds", "accuracy, %", "times as fast", "at least", "met")


class Case(NamedTuple):
    """What is trained on, for how long, and how many times as fast bpx must be."""

    rows: int
    columns: int
    max_iter: int
    asked: float


CASES = {
    "mnist": Case(60_000, 784, 10, 1.9),
    "table": Case(100_000, 20, 10, 6.0),
    SEARCH: Case(20_000, 20, 20, 3.0),
}


class Result(NamedTuple):
    """The seconds of one fit or search, and the accuracy on other samples, in percent."""

    seconds: float
    accuracy: float


Samples = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""x and y to train on, and x and y to read once."""


def samples(name: str, folder: Path | None) -> Samples:
    """The samples of a case, float32."""
    case = CASES[name]
    if name == "mnist":
        from bpx.data import load

        data = load("mnist", folder=folder)
        train, held_out = (data.train, data.validation), data.test
        x, y = (np.concatenate(parts)[: case.rows] for parts in zip(*train, strict=True))
        return x, y, held_out.x, held_out.y
    from sklearn.datasets import make_classification

    held_out = case.rows // 5
    x, y = make_classification(
        case.rows + held_out,
        case.columns,
        n_informative=10,
        n_clusters_per_class=8,
        random_state=0,
    )
    x = x.astype("float32")
    return x[held_out:], y[held_out:], x[:held_out], y[:held_out]


def estimator(library: str, case: Case, seed: int, **more: Any) -> Any:
    """A classifier of bpx or scikit-learn, with the defaults of scikit-learn."""
    made = import_module(MODULES[library]).MLPClassifier
    return made(max_iter=case.max_iter, tol=0.0, random_state=seed, **more)


def fitted(library: str, case: Case, seed: int, given: Samples) -> Result:
    """Fit once."""
    x, y, *held_out = given
    made = estimator(library, case, seed)
    seconds = cpu(lambda: made.fit(x, y))
    return Result(seconds, 100.0 * made.score(*held_out))


def searched(library: str) -> Result:
    """Search in a new process."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.children.search", library],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
        check=True,
    )
    return Result(*json.loads(done.stdout.splitlines()[-1]))


def measured(name: str, folder: Path | None, seeds: int) -> dict[str, list[Result]]:
    """The results of both libraries, round by round."""
    if name == SEARCH:
        return in_turn({each: each for each in MODULES}, seeds, searched)
    case, given = CASES[name], samples(name, folder)
    rounds = {library: iter(range(seeds)) for library in MODULES}
    for library in MODULES:  # imports and compiles
        fitted(library, case._replace(max_iter=1), 0, given)

    def one(library: str) -> Result:
        return fitted(library, case, next(rounds[library]), given)

    return in_turn({each: each for each in MODULES}, seeds, one)


def shown(name: str, found: Mapping[str, Sequence[Result]]) -> Iterator[tuple[str, ...]]:
    """Yield the rows of a case: the ratio is that of medians, with its interval."""
    times = {library: [each.seconds for each in those] for library, those in found.items()}
    faster = ratio(times, "scikit-learn", "bpx")
    low, high = interval(ratios(times, "scikit-learn", "bpx"))
    asked = CASES[name].asked
    last = (f"{faster:.2f} [{low:.2f}, {high:.2f}]", f"{asked}", _met(found, faster, asked))
    for library, those in found.items():
        accuracies = band([each.accuracy for each in those], 2)
        own = last if library == "bpx" else ("", "", "")
        yield name, library, band(times[library]), accuracies, *own


def _met(found: Mapping[str, Sequence[Result]], faster: float, asked: float) -> str:
    ours, theirs = (median(each.accuracy for each in found[one]) for one in MODULES)
    less = f"no: {theirs - ours:.2f} % less accurate"
    return "no" if faster < asked else "yes" if ours >= theirs else less


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser("benchmarks.estimators")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="where MNIST's files are")
    parser.add_argument("--cases", default=",".join(CASES), help="some of them, with commas")
    parser.add_argument("--seeds", type=int, default=5, help="rounds; 5 by default")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write JSON here")
    given = parser.parse_args(arguments)
    facts, rows, all_found = environment("numpy", "numba", "scikit-learn"), [], {}
    print(heading("bpx.sklearn and scikit-learn", facts | {"load": busy()}), flush=True)
    for name in given.cases.split(","):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of training that ends at max_iter
            found = all_found[name] = measured(name, given.data, given.seeds)
        rows += shown(name, found)
        write(given.out, {"environment": facts, "cases": all_found})
    print(table(HEAD, rows))


def _alone() -> None:
    """Start this command anew if BLAS could use more than one thread."""
    if any(os.environ.get(name) != value for name, value in ONE.items()):
        again = [sys.executable, "-m", "benchmarks.estimators", *sys.argv[1:]]
        os.execve(sys.executable, again, os.environ | ONE)


if __name__ == "__main__":
    _alone()
    main()
