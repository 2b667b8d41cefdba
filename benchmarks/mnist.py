"""How well fully connected networks do on MNIST, and how fast, without augmentation.

Nothing here knows which pixels are neighbours: the results are those of "permutation-invariant"
MNIST.

::

    python -m benchmarks.mnist --data FOLDER --choose [--seeds 3]
    python -m benchmarks.mnist --data FOLDER [--recipe accurate] [--seeds 10]
    python -m benchmarks.mnist --data FOLDER --recipe quick --seeds 5 --peers torch

``--choose`` trains each candidate on the first 50,000 training images, and shows its accuracy
on the last 10,000. The recipe that was chosen by it is then trained on all 60,000, and the test
set is read once, after the last epoch. With ``--peers`` the same recipe, written for another
library, is trained in turn with bpx, seed by seed, and the table has the ratio of the seconds,
which are those of training alone.
"""

import argparse
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

import bpx
from benchmarks import recipes
from benchmarks.machine import busy, environment
from benchmarks.recipes import Recipe
from benchmarks.report import aligned, band, heading, line, number, write
from bpx.data import Dataset, Split

__all__ = ["CANDIDATES", "RECIPES", "Result", "main", "run"]

CANDIDATES: Mapping[str, Recipe] = {
    "256": Recipe((784, 256, 256, 10), (0.2, 0.3, 0.3), None, 30, 64, 2e-3),
    "512": Recipe((784, 512, 512, 10), (0.2, 0.5, 0.5), None, 40, 128, 2e-3),
    "1024": Recipe((784, 1024, 1024, 10), (0.2, 0.5, 0.5), None, 40, 128, 1e-3),
    "512, LayerNorm": Recipe((784, 512, 512, 10), (0.2, 0.5, 0.5), "layer", 30, 128, 3e-3),
    "256, BatchNorm": Recipe((784, 256, 256, 10), (0.2, 0.2, 0.2), "batch", 20, 128, 5e-3),
    "384, BatchNorm": Recipe((784, 384, 384, 10), (0.2, 0.2, 0.2), "batch", 25, 128, 5e-3),
    "512, BatchNorm": Recipe((784, 512, 512, 10), (0.3, 0.3, 0.3), "batch", 100, 128, 5e-3),
}
RECIPES: Mapping[str, str] = {"accurate": "512, BatchNorm", "quick": "256, BatchNorm"}
"""What was chosen among the candidates, and for what."""

CHOICE = ("candidate", "validation: median [min, max]", "seeds", "s", "recipe")
EACH = ("", "seed", "test", "s")
FINAL = ("", "test: median [min, max]", "seeds", "s: median [min, max]", "÷ bpx")


class Result(NamedTuple):
    """One run.

    Attributes
    ----------
    seed : int
    accuracy : float
        After the last epoch, in percent.
    seconds : float
        Of training.
    """

    seed: int
    accuracy: float
    seconds: float


def run(library: str, recipe: Recipe, train: Split, held_out: Split, seed: int) -> Result:
    """Train by a recipe, then read the held-out samples once."""
    own = library.startswith("bpx")
    peer: Any = recipes if own else import_module(f"benchmarks.peers._{library}_recipe")
    net = recipes.network(recipe, seed) if own else peer.model(recipe, seed)
    began = perf_counter()
    for _ in peer.epochs(net, recipe, *train, seed):
        pass
    seconds = perf_counter() - began
    return Result(seed, 100.0 * peer.accuracy(net, *held_out), seconds)


def everything(data: Dataset) -> Split:
    """All training images: those of the validation set too."""
    assert data.validation is not None
    return Split(*map(np.concatenate, zip(data.train, data.validation, strict=True)))


def choose(data: Dataset, seeds: int) -> dict[str, list[Result]]:
    """Print and return the candidates' results on the last 10,000 training images."""
    print(line(CHOICE), aligned(len(CHOICE)), sep="\n", flush=True)
    found = {}
    for name, recipe in CANDIDATES.items():
        each = [run("bpx", recipe, data.train, data.validation, seed) for seed in range(seeds)]
        accuracy = band([one.accuracy for one in each], 2)
        seconds = number(median(one.seconds for one in each))
        print(line((name, accuracy, seeds, seconds, recipe.short)), flush=True)
        found[name] = each
    return found


def final(
    data: Dataset, recipe: Recipe, seeds: int, peers: Sequence[str]
) -> dict[str, list[Result]]:
    """Print and return the results of each library on the test set, seed by seed in turn."""
    train, found = everything(data), {name: [] for name in ("bpx", *peers)}
    print(line(EACH), aligned(len(EACH)), sep="\n", flush=True)
    for seed in range(seeds):
        for name, each in found.items():
            one = run(name, recipe, train, data.test, seed)
            print(line((name, seed, f"{one.accuracy:.2f}", number(one.seconds))), flush=True)
            each.append(one)
    print()
    print(line(FINAL), aligned(len(FINAL)), sep="\n")
    for name, each in found.items():
        pairs = zip(each, found["bpx"], strict=True)
        ratio = number(median(one.seconds / own.seconds for one, own in pairs))
        accuracy = band([one.accuracy for one in each], 2)
        print(line((name, accuracy, seeds, band([one.seconds for one in each]), ratio)))
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    given = _options(arguments)
    peers = [each for each in given.peers.split(",") if each]
    facts = environment("numpy", "numba", *peers) | {"load": busy()}
    print(heading("MNIST, permutation-invariant, without augmentation", facts))
    data = _mnist(given.data)
    if given.choose:
        found = choose(data, given.seeds or 3)
    else:
        recipe = CANDIDATES[RECIPES[given.recipe]]
        print(f"{given.recipe}: {recipe.short}\n")
        found = final(data, recipe, given.seeds or 10, peers)
    runs = {name: [one._asdict() for one in each] for name, each in found.items()}
    write(given.out, {"environment": facts, "runs": runs})


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("benchmarks.mnist", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--data", type=Path, metavar="FOLDER", help="the folder with MNIST's four files"
    )
    parser.add_argument("--choose", action="store_true", help="compare the candidates")
    parser.add_argument("--recipe", choices=RECIPES, default="accurate")
    parser.add_argument("--seeds", type=int, help="number of seeds, from 0")
    parser.add_argument("--peers", default="", metavar="NAME,NAME", help="such as torch")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write JSON here")
    return parser.parse_args(arguments)


def _mnist(folder: Path | None) -> Dataset:
    return bpx.data.load("mnist", folder=folder)


if __name__ == "__main__":
    main()
