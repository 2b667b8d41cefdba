"""The accuracies of the book, over seeds, on MNIST.

M. Nielsen, "Neural Networks and Deep Learning" (2015), reports most of its accuracies as the
best epoch of one run. This benchmark trains each setting from several seeds, which draw the
weights and the order, and evaluates the network after each epoch on the set that the book
reports. It shows the median, the minimum and the maximum over the seeds, for the accuracy of
the best epoch (peak) and of the last epoch.

::

    python -m benchmarks.book --data FOLDER [--rows ch1-30,ch3-30] [--seeds 5] [--jobs 1]

It prints each row, and writes it to ``--out``, as soon as it is done. A seed gives the same
network and order on every backend, and the same accuracies up to rounding.
"""

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import cache, partial
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import bpx
from benchmarks.machine import environment
from benchmarks.report import aligned, band, heading, line, write
from bpx.data import Dataset, Split

__all__ = ["ROWS", "Result", "Row", "chosen", "fastest", "main", "train"]


class Row(NamedTuple):
    """One setting of the book: [784, hidden, 10], sigmoid hidden units, mini-batches of 10.

    Attributes
    ----------
    name : str
        Its name for ``--rows``.
    book : str
        The accuracy that the book prints, in percent.
    reports : {"test", "validation", "test at best validation"}
        The set on which that accuracy is measured.
    hidden, eta
        The width of the hidden layer, and the learning rate.
    output, cost, init, lmbda, epochs, samples
        The rest of the setting: the first `samples` images train.
    """

    name: str
    book: str
    reports: str
    hidden: int
    eta: float
    output: str = "sigmoid"
    cost: str = "cross_entropy"
    init: str = "book_large"
    lmbda: float = 0.0
    epochs: int = 30
    samples: int = 50_000


# Chapter 1 draws the weights from N(0, 1). So do the settings of chapter 3 used here, by
# calling large_weight_initializer(): the rows with lambda 5.0 come before the book's section
# on weight initialization. Chapter 6's program, network3.py, draws the hidden
# weights from N(0, 1/n_out) and starts the softmax layer at zero; "book", chapter 3's
# N(0, 1/n_in), is the nearest. Its SGD is called without lmbda, which is 0.0 there.
ROWS = (
    Row("ch1-30", "95.42 peak, 95.34 last", "test", 30, 3.0, cost="quadratic"),
    Row("ch1-100", "96.59", "test", 100, 3.0, cost="quadratic"),
    Row("ch1-100-eta-0.001", "21.42 last", "test", 100, 0.001, cost="quadratic"),
    Row("ch1-30-eta-100", "about 10", "test", 30, 100.0, cost="quadratic"),
    Row("ch3-30", "95.49", "test", 30, 0.5),
    Row("ch3-100", "96.82", "test", 100, 0.5),
    Row("ch3-30-first-1000", "82.27", "test", 30, 0.5, epochs=400, samples=1000),
    Row("ch3-30-first-1000-l2", "87.1", "test", 30, 0.5, lmbda=0.1, epochs=400, samples=1000),
    Row("ch3-30-l2", "96.49", "test", 30, 0.5, lmbda=5.0),
    Row("ch3-100-l2", "97.92", "validation", 100, 0.5, lmbda=5.0),
    Row("ch3-100-l2-eta-0.1", "98.04", "validation", 100, 0.1, lmbda=5.0, epochs=60),
    Row(
        "ch6-100-softmax",
        "97.80",
        "test at best validation",
        100,
        0.1,
        output="softmax",
        init="book",
        epochs=60,
    ),
)

HEAD = ("setting", "of", "the book", "peak: median [min, max]", "last", "seeds", "s / epoch")


class Result(NamedTuple):
    """One run: accuracies in percent, and the seconds that an epoch's training took.

    Attributes
    ----------
    seed : int
    peak : float
        The accuracy of the best epoch; for "test at best validation" the test accuracy of
        the epoch that is best in validation.
    last : float
        That of the last epoch.
    curve : list of float
        The accuracy after each epoch on the set that is evaluated.
    seconds : float
        The median epoch's.
    """

    seed: int
    peak: float
    last: float
    curve: list[float]
    seconds: float


def train(row: Row, data: Dataset, seed: int, backend: str | None) -> Result:
    """One run of a setting."""
    network = bpx.Network(
        [data.train.x.shape[1], row.hidden, 10],
        output=row.output,
        cost=row.cost,
        init=row.init,
        seed=seed,
        backend=backend,
    )
    epochs = bpx.train(
        network,
        (data.train.x[: row.samples], data.train.y[: row.samples]),
        epochs=row.epochs,
        batch_size=10,
        optimizer=bpx.SGD(row.eta),
        lmbda=row.lmbda,
        validation=data.test if row.reports == "test" else data.validation,
        seed=seed,
    )
    return _follow(row, network, epochs, data.test, seed)


def _follow(
    row: Row, network: bpx.Network, epochs: Iterator[bpx.Epoch], test: Split, seed: int
) -> Result:
    """Train to the end, and keep what the book reports."""
    curve: list[float] = []
    seconds: list[float] = []
    at_best = 0.0
    for epoch in epochs:
        best = not curve or _percent(epoch.validation) > max(curve)
        curve.append(_percent(epoch.validation))
        seconds.append(epoch.seconds)
        if best and row.reports == "test at best validation":
            at_best = _percent(network.evaluate(*test))
    if row.reports == "test at best validation":
        last = _percent(network.evaluate(*test))
        return Result(seed, at_best, last, curve, median(seconds))
    return Result(seed, max(curve), curve[-1], curve, median(seconds))


def cells(row: Row, results: Sequence[Result]) -> tuple[Any, ...]:
    """A row of the table."""
    peaks, lasts = [r.peak for r in results], [r.last for r in results]
    pace = f"{median([r.seconds for r in results]):.2f}"
    return row.name, row.reports, row.book, band(peaks, 2), band(lasts, 2), len(results), pace


def chosen(names: str | None) -> tuple[Row, ...]:
    """The rows with these names, separated by commas; all rows for None."""
    if names is None:
        return ROWS
    by_name = {row.name: row for row in ROWS}
    unknown = [name for name in names.split(",") if name not in by_name]
    if unknown:
        raise SystemExit(f"no row {', '.join(unknown)}; known: {', '.join(by_name)}")
    return tuple(by_name[name] for name in names.split(","))


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    options = _options(arguments)
    facts = environment("numpy", options.backend.partition(":")[0])
    results: dict[str, Any] = {"environment": facts, "backend": options.backend, "rows": {}}
    print(heading(f"The book's accuracies (%), on {options.backend}", facts))
    print(line(HEAD), aligned(len(HEAD)), sep="\n", flush=True)
    with _mapping(options.jobs) as run:
        for row in chosen(options.rows):
            one = partial(_run, options.data, options.backend, row)
            found = list(run(one, range(options.seeds)))
            print(line(cells(row, found)), flush=True)
            results["rows"][row.name] = row._asdict() | {"runs": [r._asdict() for r in found]}
            write(options.out, results)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("benchmarks.book", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--data", type=Path, metavar="FOLDER", help="the folder with MNIST's four files"
    )
    parser.add_argument("--rows", metavar="NAME,NAME", help="settings to train; all by default")
    parser.add_argument(
        "--seeds", type=int, default=5, help="number of seeds, from 0; 5 by default"
    )
    parser.add_argument(
        "--backend", default=fastest(), help="default: jax if installed, else numpy"
    )
    parser.add_argument(
        "--jobs", type=int, default=1, help="number of processes at once; 1 by default"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write JSON here")
    return parser.parse_args(arguments)


def fastest() -> str:
    """The backend that trains such a small network fastest."""
    return "jax" if find_spec("jax") else "numpy"


@contextmanager
def _mapping(jobs: int) -> Iterator[Any]:
    """`map`, or that of a pool of processes. It does not fork: array libraries have threads."""
    if jobs == 1:
        yield map
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield pool.map


def _run(folder: Path | None, backend: str, row: Row, seed: int) -> Result:
    return train(row, _mnist(folder), seed, backend)


@cache
def _mnist(folder: Path | None) -> Dataset:
    return bpx.data.load("mnist", folder=folder)


def _percent(evaluation: Any) -> float:
    return 100.0 * evaluation.accuracy


if __name__ == "__main__":
    main()
