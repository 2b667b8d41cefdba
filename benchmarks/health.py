"""The health of a network beside two findings of the book: vanishing errors and lost digits.

In chapter 5, M. Nielsen, "Neural Networks and Deep Learning" (2015), prints ‖dC/db^l‖ of the
hidden layers of untrained networks, on 1,000 images of MNIST: the errors vanish towards the
inputs. Chapter 1 trains 100 hidden units, and finds "large variation": outputs that start
saturated never learn, and their digits are lost. In this benchmark, the diagnosis names the
lost digits from training images, and the confusion matrix of the test images shows whether it
is right.

::

    python -m benchmarks.health --data FOLDER [--seeds 3] [--epochs 30]
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import bpx
from benchmarks.book import ROWS, fastest
from benchmarks.machine import environment
from benchmarks.report import aligned, band, heading, line, write
from bpx.data import Dataset
from bpx.inspect import diagnose, examine

__all__ = ["DEPTHS", "Depth", "Observed", "errors", "main", "run"]

IMAGES = 1000

ERRORS = ("layer", "the book", "‖dC/db‖: median [min, max]", "seeds")
LOST = (
    "seed",
    "epoch",
    "accuracy",
    "lost, by the diagnosis",
    "by the confusion",
    "alike in epochs",
)


class Depth(NamedTuple):
    """A network of chapter 5, and the ‖dC/db^l‖ that the book prints of its hidden layers."""

    hidden: tuple[int, ...]
    book: tuple[float, ...]


DEPTHS = (
    Depth((30, 30), (0.07, 0.31)),
    Depth((30, 30, 30), (0.012, 0.060, 0.283)),
    Depth((30, 30, 30, 30), (0.003, 0.017, 0.070, 0.285)),
)


class Observed(NamedTuple):
    """One epoch of a run of chapter 1.

    Attributes
    ----------
    seed, epoch : int
    accuracy : float
        On the test images, in percent.
    lost : tuple of int
        The digits that the diagnosis names, from training images.
    confused : tuple of int
        The digits for which less than a tenth of the test images are answered correctly.
    """

    seed: int
    epoch: int
    accuracy: float
    lost: tuple[int, ...]
    confused: tuple[int, ...]


def errors(depth: Depth, data: Dataset, seeds: int) -> list[tuple[float, ...]]:
    """‖dC/db^l‖ of the hidden layers at initialisation, for each seed."""
    x, y = data.train.x[:IMAGES], data.train.y[:IMAGES]
    sizes = [x.shape[1], *depth.hidden, 10]
    made = {"cost": "cross_entropy", "init": "book", "backend": "numpy"}
    networks = (bpx.Network(sizes, **made, seed=seed) for seed in range(seeds))
    return [examine(network, x, y).speeds[:-1] for network in networks]


def run(data: Dataset, seed: int, epochs: int, backend: str) -> Iterator[Observed]:
    """Chapter 1 with 100 hidden units, epoch by epoch."""
    row = next(row for row in ROWS if row.name == "ch1-100")
    network = bpx.Network(
        [data.train.x.shape[1], row.hidden, 10],
        cost=row.cost,
        init=row.init,
        seed=seed,
        backend=backend,
    )
    records = bpx.train(
        network,
        (data.train.x[: row.samples], data.train.y[: row.samples]),
        epochs=epochs,
        batch_size=10,
        optimizer=bpx.SGD(row.eta),
        seed=seed,
        health=True,
    )
    for epoch in records:
        answers = network.classify(data.test.x)
        right = answers == data.test.y
        lost = [f.units for f in diagnose(epoch.health) if f.kind == "lost"]
        confused = [j for j in range(10) if right[data.test.y == j].mean() < 0.1]
        yield Observed(
            seed, epoch.number, 100.0 * float(right.mean()), sum(lost, ()), tuple(confused)
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    options = _options(arguments)
    facts = environment("numpy", options.backend.partition(":")[0])
    data = bpx.data.load("mnist", folder=options.data)
    results: dict[str, Any] = {"environment": facts, "backend": options.backend}
    print(heading(f"Health, on {options.backend}", facts), flush=True)
    results["errors"] = _show_errors(data, options.seeds)
    results["lost"] = _show_lost(data, options)
    write(options.out, results)


def _show_errors(data: Dataset, seeds: int) -> list[dict[str, Any]]:
    results = []
    print(line(ERRORS), aligned(len(ERRORS)), sep="\n")
    for depth in DEPTHS:
        found = errors(depth, data, seeds)
        results.append(depth._asdict() | {"found": found})
        layers = zip(depth.book, zip(*found, strict=True), strict=True)
        for layer, (book, values) in enumerate(layers, 1):
            place = f"{layer} of {len(depth.hidden)} hidden"
            print(line((place, book, band(values, 3), seeds)))
    print(flush=True)
    return results


def _show_lost(data: Dataset, options: argparse.Namespace) -> list[list[dict[str, Any]]]:
    results = []
    print(line(LOST), aligned(len(LOST)), sep="\n", flush=True)
    for seed in range(options.seeds):
        runs = list(run(data, seed, options.epochs, options.backend))
        results.append([each._asdict() for each in runs])
        for each in dict.fromkeys((runs[0], runs[-1])):
            print(line(_cells(each, runs)), flush=True)
    return results


def _cells(each: Observed, runs: Sequence[Observed]) -> tuple[Any, ...]:
    agree = sum(other.lost == other.confused for other in runs)
    digits = (", ".join(map(str, some)) or "none" for some in (each.lost, each.confused))
    return each.seed, each.epoch, f"{each.accuracy:.2f}", *digits, f"{agree} of {len(runs)}"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("benchmarks.health", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--data", type=Path, metavar="FOLDER", help="the folder with MNIST's four files"
    )
    parser.add_argument(
        "--seeds", type=int, default=3, help="number of seeds, from 0; 3 by default"
    )
    parser.add_argument(
        "--epochs", type=int, default=30, help="epochs of chapter 1; 30 by default"
    )
    parser.add_argument(
        "--backend", default=fastest(), help="default: jax if installed, else numpy"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write JSON here")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
