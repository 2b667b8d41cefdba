"""Measurements of two sides in pairs that take turns, and the resulting ratio."""

from collections.abc import Callable, Iterable, Mapping
from statistics import median
from typing import Any, NamedTuple

from benchmarks.against.trees import SIDES
from benchmarks.rounds import interval

__all__ = ["Paired", "Seconds", "as_dict", "in_pairs", "line"]

Seconds = dict[str, list[float]]
"""The seconds of each side."""


class Paired(NamedTuple):
    """The measurements of both sides.

    Attributes
    ----------
    engine, case : str
    old, new : list of float
        Seconds; each pair has one of each.
    asked : float or None
        The most that the upper end of the interval may be; None if there is no limit.
    """

    engine: str
    case: str
    old: list[float]
    new: list[float]
    asked: float | None

    @property
    def ratios(self) -> list[float]:
        """new / old, pair by pair."""
        return [new / old for old, new in zip(self.old, self.new, strict=True)]

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % confidence interval of the median ratio."""
        return interval(self.ratios)

    @property
    def met(self) -> bool:
        """Whether the new side is certainly fast enough."""
        return self.asked is None or self.interval[1] <= self.asked


def in_pairs(measure: Callable[[str], float], numbers: Iterable[int]) -> Seconds:
    """Each side's measurements, for the pairs with these numbers.

    An even pair begins with the old side and an odd pair with the new side, so that neither
    always comes second.
    """
    seconds: Seconds = {side: [] for side in SIDES}
    for number in numbers:
        for side in SIDES[:: (-1) ** number]:
            seconds[side].append(measure(side))
    return seconds


def line(each: Paired) -> tuple[str, ...]:
    """A row of the table."""
    low, high = each.interval
    times = [f"{1e3 * median(side):,.1f}" for side in (each.old, each.new)]
    ratio = f"{median(each.ratios):.3f} [{low:.3f}, {high:.3f}]"
    asked = ("", "") if each.asked is None else (f"{each.asked:.2f}", _word(each.met))
    return each.engine, each.case, *times, ratio, *asked


def _word(met: bool) -> str:
    return "yes" if met else "no"


def as_dict(each: Paired) -> Mapping[str, Any]:
    """The measurements for JSON."""
    found = {"ratio": median(each.ratios), "interval": each.interval, "met": each.met}
    return each._asdict() | found
