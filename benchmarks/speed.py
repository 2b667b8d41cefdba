"""Microseconds a training step: bpx on its engines, and its peers, in one run.

::

    python -m benchmarks.speed [--cases S,M] [--repeats 7] [--out FILE]

`benchmarks.cases` says what is trained, on random arrays of MNIST's shape, and
`benchmarks.peers` what each one does in a step. All are timed by the same clock, in whole
epochs: two to warm up (compilation, pools, the length of bpx's chunks), then round by round,
one after another, each for at least ``--window`` seconds. What is shown is the median over
the rounds, and of the ratios within each round: other work on the machine then weighs on
both. A ratio above 1 says that bpx is faster.

On a busy machine the threads of a pool wait for one another: in one run on two cores a step
of PyTorch's in case S took 377 µs in the best round and 6,557 in the worst. A ratio of such
times says nothing. The load is printed with each case; on one core,
``taskset -c 0 python -m benchmarks.speed --clock cpu`` counts the process's own time alone.

The threads are left as they are: by default every library takes all cores that the process
may use. They are printed, and where they are not alike that is said: ``OMP_NUM_THREADS``
means nothing to JAX, but ``taskset -c 0 python -m benchmarks.speed`` gives all of them one.
A pause between two measurements lets the pool of the last one, which spins while it waits,
fall asleep.
"""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter, process_time, sleep
from typing import NamedTuple

from benchmarks.cases import CASES, Case, problem
from benchmarks.peers import Train, available
from benchmarks.report import band, cores, environment, heading, table, write

__all__ = ["ASKED", "compare", "main", "measure"]

PAUSE = 0.1
BPX = ("bpx numpy", "bpx torch", "bpx jax")

CLOCKS = {"wall": perf_counter, "cpu": process_time}

Clock = Callable[[], float]
Times = Mapping[str, Sequence[float]]


class Asked(NamedTuple):
    """How much faster bpx is to be in a case than a peer."""

    case: str
    bpx: str
    peer: str
    least: float


ASKED = (
    Asked("S", "bpx numpy", "PyTorch eager", 2.5),
    Asked("S", "bpx jax", "JAX scan", 1 / 1.25),
    Asked("M", "bpx jax", "JAX scan", 1 / 1.25),
)


def measure(train: Train, steps: int, window: float, clock: Clock = perf_counter) -> float:
    """Microseconds a step, over as many whole epochs as fill the window."""
    epochs, elapsed, began = 0, 0.0, clock()
    while not epochs or elapsed < window:
        train()
        epochs += 1
        elapsed = clock() - began
    return 1e6 * elapsed / (epochs * steps)


def compare(
    case: Case, repeats: int, window: float, clock: Clock = perf_counter
) -> dict[str, list[float]]:
    """Every available peer's microseconds a step, one number for each round."""
    numbers = problem(case)
    trains = {peer.name: peer.prepare(numbers) for peer in available()}
    for train in trains.values():
        train()
        train()
    times: dict[str, list[float]] = {name: [] for name in trains}
    for _ in range(repeats):
        for name, train in trains.items():
            sleep(PAUSE)
            times[name].append(measure(train, case.steps, window, clock))
    return times


def results_table(times: Times) -> str:
    """Each peer's time, and its ratio to each of bpx's engines."""
    engines = [name for name in BPX if name in times]
    rows = [
        (name, band(values, 0 if median(values) >= 1000 else 1), *_ratios(name, times, engines))
        for name, values in times.items()
    ]
    return table(("", "µs / step: median [min, max]", *(f"÷ {e}" for e in engines)), rows)


def asked_table(times: Mapping[str, Times]) -> str:
    """The ratios that are asked of bpx, and whether this run shows them.

    Met is what both the median of the ratios and the ratio of the two best rounds show.
    """
    rows = []
    for case, bpx, peer, least in ASKED:
        if {bpx, peer} <= times.get(case, {}).keys():
            found = ratios(times[case], peer, bpx)
            best = min(times[case][peer]) / min(times[case][bpx])
            met = "yes" if min(median(found), best) >= least else "no"
            name = f"{case}: {peer} ÷ {bpx}"
            rows.append((name, f"{least:.2f}", band(found, 2), f"{best:.2f}", met))
    return table(("ratio", "at least", "median [min, max]", "of the best rounds", "met"), rows)


def ratios(times: Times, peer: str, bpx: str) -> list[float]:
    """How many times as long as bpx a peer takes, round by round."""
    return [theirs / ours for theirs, ours in zip(times[peer], times[bpx], strict=True)]


def threads() -> dict[str, int]:
    """The threads of each pool that is there."""
    found = {"cores": cores()}
    if "torch" in sys.modules:
        found["torch"] = sys.modules["torch"].get_num_threads()
    if "jax" in sys.modules:
        found["jax"] = cores()  # it does not say; its pool has as many
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return found
    pools = {(pool["internal_api"], pool["num_threads"]) for pool in threadpool_info()}
    return found | dict(sorted(pools))


def told(pools: Mapping[str, int]) -> str:
    """The threads of each pool, and whether they are alike."""
    listed = ", ".join(f"{pool} {number}" for pool, number in pools.items())
    unlike = len(set(pools.values())) > 1
    return f"threads: {listed}" + ("; not alike: compare with care" if unlike else "")


def load() -> str:
    """How many threads wanted a core, on average over the last minute."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    options = _options(arguments)
    facts, times, clock = environment(), {}, CLOCKS[options.clock]
    print(heading(f"Speed, by the {options.clock} clock", facts), flush=True)
    for name in options.cases.split(","):
        times[name] = compare(CASES[name], options.repeats, options.window, clock)
        print(f"{CASES[name]}; {options.repeats} rounds; load {load()}\n")
        print(results_table(times[name]), end="\n\n", flush=True)
        results = {"environment": facts, "clock": options.clock, "threads": threads()}
        write(options.out, results | {"microseconds": times})
    print(asked_table(times))
    print(f"\n{told(threads())}")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("benchmarks.speed", description=__doc__.split("\n")[0])
    parser.add_argument("--cases", default="S,M", help=f"of {', '.join(CASES)}; S,M")
    parser.add_argument("--repeats", type=int, default=7, help="rounds; 7")
    parser.add_argument("--window", type=float, default=0.3, help="seconds, at least; 0.3")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write JSON here")
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu: on one core only")
    options = parser.parse_args(arguments)
    if options.clock == "cpu" and cores() > 1:
        parser.error("--clock cpu adds up the time of all threads: pin to one core (taskset)")
    return options


def _ratios(name: str, times: Times, engines: Sequence[str]) -> list[str]:
    return [
        "" if name == engine else f"{median(ratios(times, name, engine)):.2f}"
        for engine in engines
    ]


if __name__ == "__main__":
    main()
