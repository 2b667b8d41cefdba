"""Two trainings in two Python threads at once, beside one after the other.

::

    python -m benchmarks.threads [--cases S,M,deep] [--repeats 7] [--window 1] [--out FILE]

Both are calls of `fit`, on NumPy with numba. They are timed by the wall clock, with one BLAS
thread and with one for each core, in turns. The table has medians over the rounds, of the
microseconds for a step of either network, and the ratio of these medians with the bootstrapped
95 % interval of the ratios within the rounds; and, for a busy machine, the ratio of the two
best rounds. The program needs two cores that have nothing else to do.
"""

import argparse
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

import bpx
from benchmarks import machine
from benchmarks.cases import CASES, Case, network, optimizer, problem
from benchmarks.clock import wall
from benchmarks.command import some
from benchmarks.report import band, heading, table, write
from benchmarks.rounds import Times, in_turn, interval, ratio, ratios

__all__ = ["ASKED", "at_once", "in_order", "main", "measure", "rows"]

ASKED = 1.7
"""How many times as fast two trainings at once must be, with one BLAS thread each."""
SEEDS = (0, 1)

Fits = Sequence[Callable[[], Any]]


class Way(NamedTuple):
    """How both trainings run: a function, and the number of BLAS threads."""

    run: Callable[[Fits], None]
    blas: int

    def __str__(self) -> str:
        return f"{self.run.__name__}, {self.blas}"


def in_order(fits: Fits) -> None:
    """Run one after the other."""
    for fit in fits:
        fit()


def at_once(fits: Fits) -> None:
    """Run each in a thread of its own."""
    with ThreadPoolExecutor(len(fits)) as pool:
        for running in [pool.submit(fit) for fit in fits]:
            running.result()


def measure(case: Case, repeats: int, window: float, counts: Sequence[int]) -> dict[str, Any]:
    """Microseconds a step of either network in each way, one for each round."""
    load, fits = machine.busy(), _fits(case, 1)
    in_order(fits)  # compiles
    epochs = max(ceil(window / _seconds(Way(in_order, 1), fits[:1])), 1)
    steps, fits = len(fits) * epochs * case.steps, _fits(case, epochs)
    ways = {
        str(way): way for blas in counts for way in (Way(in_order, blas), Way(at_once, blas))
    }
    times = in_turn(ways, repeats, lambda way: 1e6 * _seconds(way, fits) / steps)
    return {"about": f"{case}, {epochs} times", "load": load, "microseconds": times}


def _fits(case: Case, epochs: int) -> Fits:
    numbers = problem(case)
    for each in (numbers.x, numbers.y):
        each.flags.writeable = False  # `fit` copies what somebody could write

    def fit(net: bpx.Network) -> None:
        net.fit(
            *(numbers.x, numbers.y),
            epochs=epochs,
            batch_size=case.batch,
            optimizer=optimizer(case),
            seed=0,
        )

    return [partial(fit, network(case, seed, "numpy")) for seed in SEEDS]


def _seconds(way: Way, fits: Fits) -> float:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(way.blas, user_api="blas"):
        return wall(partial(way.run, fits))


def rows(case: str, times: Times, counts: Sequence[int]) -> Iterator[tuple[str, ...]]:
    """Yield a row for each number of BLAS threads."""
    best = str(Way(in_order, counts[-1]))
    for blas in counts:
        one, other = str(Way(in_order, blas)), str(Way(at_once, blas))
        faster = ratio(times, one, other)
        low, high = interval(ratios(times, one, other))
        target = (f"{ASKED}", "yes" if faster >= ASKED else "no") if blas == 1 else ("", "")
        yield (
            *(case, str(blas), band(times[one]), band(times[other])),
            *(f"{faster:.2f} [{low:.2f}, {high:.2f}]", *target),
            f"{min(times[one]) / min(times[other]):.2f}",
            f"{ratio(times, best, other):.2f}",
        )


def _show(found: Mapping[str, Any], counts: Sequence[int]) -> str:
    head = (
        *("case", "BLAS threads", "one after the other: µs / step", "at once: µs / step"),
        *("times as fast", "at least", "met", "of the best"),
        f"times as fast as one after the other with {counts[-1]} BLAS threads",
    )
    lines = [
        row for name, part in found.items() for row in rows(name, part["microseconds"], counts)
    ]
    return table(head, lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    given = _options(arguments)
    os.environ["BPX_NUMBA"] = "on"
    facts, counts = machine.environment("numpy", "numba"), (1, machine.cores())
    print(heading("Two trainings in two threads", facts), flush=True)
    found: dict[str, Any] = {}
    for name in given.cases:
        found[name] = measure(CASES[name], given.repeats, given.window, counts)
        print(f"{found[name]['about']}; load {found[name]['load']}\n", flush=True)
        write(given.out, {"environment": facts, "cases": found})
    print(_show(found, counts))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("benchmarks.threads", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--cases",
        type=some(list(CASES)),
        default=["S", "M", "deep"],
        metavar="NAME,NAME",
        help=f"networks to train, from {', '.join(CASES)}; S,M,deep by default",
    )
    parser.add_argument("--repeats", type=int, default=7, help="number of rounds; 7 by default")
    parser.add_argument(
        "--window",
        type=float,
        default=1.0,
        help="about how many seconds one training takes; 1 by default",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write JSON here")
    given = parser.parse_args(arguments)
    if machine.cores() < 2:
        parser.error("two trainings at once need two cores; this process may use one")
    if given.repeats < 1:
        parser.error("--repeats is the number of rounds: at least 1")
    return given


if __name__ == "__main__":
    main()
