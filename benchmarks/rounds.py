"""Side by side: one measurement of each peer in turn, round by round, and their ratios.

Other work on the machine then affects all of them. Each round has its own order, so that no
peer always follows the same neighbour. A pause between two measurements lets the pool of the
previous library, which spins while it waits, fall asleep.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from statistics import median
from time import sleep
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np

__all__ = [
    "PAUSE",
    "Found",
    "Times",
    "in_turn",
    "interval",
    "of_each",
    "ratio",
    "ratios",
    "to_each_engine",
]

PAUSE = 0.1
RESAMPLES = 10_000

Times = Mapping[str, Sequence[float]]
"""The measurements of each peer, one for each round."""


class Found(NamedTuple):
    """The peers that could be measured, by name, and why the others could not."""

    of: dict[str, Any]
    failed: dict[str, str]


class Named(Protocol):
    """A peer."""

    @property
    def name(self) -> str:
        """The name in the tables."""


P = TypeVar("P", bound=Named)
W = TypeVar("W")
T = TypeVar("T")


def of_each(peers: Iterable[P], what: Callable[[P], Any]) -> Found:
    """Skip a peer that fails, with its reason, and go on with the others."""
    found = Found({}, {})
    for peer in peers:
        try:
            found.of[peer.name] = what(peer)
        except Exception as error:
            found.failed[peer.name] = _reason(error)
    return found


def in_turn(
    runs: Mapping[str, W],
    repeats: int,
    measure: Callable[[W], T],
) -> dict[str, list[T]]:
    """The measurements of every peer, one for each round."""
    times: dict[str, list[T]] = {name: [] for name in runs}
    names, order = list(runs), Random(0)
    for _ in range(repeats):
        order.shuffle(names)
        for name in names:
            sleep(PAUSE)
            times[name].append(measure(runs[name]))
    return times


def ratios(times: Times, slower: str, faster: str) -> list[float]:
    """How many times as long as `faster` the other peer takes, round by round."""
    return [a / b for a, b in zip(times[slower], times[faster], strict=True)]


def ratio(times: Times, slower: str, faster: str) -> float:
    """The ratio of the medians."""
    return median(times[slower]) / median(times[faster])


def interval(ratios: Sequence[float]) -> tuple[float, float]:
    """The bootstrapped 95 % interval of the median, from the medians of resamples."""
    drawn = np.random.default_rng(0).choice(ratios, (RESAMPLES, len(ratios)))
    low, high = np.quantile(np.median(drawn, axis=1), (0.025, 0.975))
    return float(low), float(high)


def to_each_engine(times: Times) -> dict[str, dict[str, float]]:
    """For each engine of bpx, every peer's median ratio to it: above 1, bpx is faster."""
    engines = [name for name in times if name.startswith("bpx ")]
    return {
        engine: {name: median(ratios(times, name, engine)) for name in times if name != engine}
        for engine in engines
    }


def _reason(error: Exception) -> str:
    first = next(iter(str(error).strip().splitlines()), "")
    return f"{type(error).__name__}: {first}"[:200]
