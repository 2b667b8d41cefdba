"""What dropout, LayerNorm and AdamW with a schedule cost: case M, plain and with them.

::

    python -m benchmarks.parts [--rounds 11] [--out FILE]

The plain step is case M's own, with Adam. Beside both steps stand the same in PyTorch, eagerly.
Each trains for one epoch in turn, round by round, in one process; the table shows medians of
the rounds, and the medians of the ratios within each round.
"""

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from benchmarks import recipes
from benchmarks.cases import CASES, Case, problem
from benchmarks.machine import busy, environment
from benchmarks.recipes import Recipe, Training
from benchmarks.report import band, heading, number, table, write
from benchmarks.rounds import Times, in_turn, ratios

__all__ = ["main", "measure", "of"]

PLAIN, FULL = "plain", "dropout, LayerNorm, AdamW, one cycle"


def of(case: Case) -> dict[str, Recipe]:
    """The two recipes of a case, for an epoch that is not timed and one that is."""
    hidden = len(case.sizes) - 2
    plain = Recipe(
        case.sizes, (0.0,) * (hidden + 1), None, 2, case.batch, case.eta, cycle=False, decay=0
    )
    full = plain._replace(
        dropout=(0.0,) + (0.5,) * hidden, norm="layer", cycle=True, decay=0.01
    )
    return {PLAIN: plain, FULL: full}


def measure(case: Case, rounds: int, peers: Sequence[str]) -> Times:
    """The seconds of a step of each library and each recipe, one for each round.

    Each round starts from fresh weights, with an epoch that is not timed: after several epochs
    on random data, units that no sample reaches leave subnormal moments behind, which slow
    PyTorch's Adam; bpx treats them as 0.
    """
    own = problem(case)
    runs: dict[str, Callable[[], Training]] = {}
    for what, recipe in of(case).items():
        for library in ("bpx", *peers):
            begin = _bpx if library == "bpx" else _peer(library)
            runs[f"{library}, {what}"] = partial(begin, recipe, own.x, own.y)

    def epoch(begin: Callable[[], Training]) -> float:
        training = begin()
        next(training)
        began = perf_counter()
        next(training)
        return (perf_counter() - began) / case.steps

    return in_turn(runs, rounds, epoch)


def _bpx(recipe: Recipe, x: np.ndarray, y: np.ndarray) -> Training:
    return recipes.epochs(recipes.network(recipe, 0), recipe, x, y, 0)


def _peer(name: str) -> Callable[[Recipe, np.ndarray, np.ndarray], Training]:
    peer = import_module(f"benchmarks.peers._{name}_recipe")
    return lambda recipe, x, y: peer.epochs(peer.model(recipe, 0), recipe, x, y, 0)


def show(times: Times) -> str:
    """The table of microseconds and ratios."""
    base = f"bpx, {PLAIN}"
    rows = []
    for name, each in times.items():
        twin = name.replace(name.partition(",")[0], "bpx", 1)
        rows.append(
            (
                name,
                band([1e6 * t for t in each]),
                number(median(ratios(times, name, base))),
                number(median(ratios(times, name, twin))),
            )
        )
    return table(("", "µs / step: median [min, max]", "÷ bpx plain", "÷ bpx, the same"), rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser("benchmarks.parts", description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=11, help="number of rounds")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write JSON here")
    given, case = parser.parse_args(arguments), CASES["M"]
    facts = environment("numpy", "numba", "torch")
    print(heading("Dropout, LayerNorm and AdamW with a schedule", facts | {"load": busy()}))
    times = measure(case, given.rounds, ["torch"])
    print(f"{case}\n\n{show(times)}")
    write(given.out, {"environment": facts, "times": times})


if __name__ == "__main__":
    main()
