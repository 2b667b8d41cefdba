"""What the ranks of a training must agree upon on their hosts, between the chunks of steps."""

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from math import fsum
from typing import TypeVar

from bpx.arrays.ranks import Communicator
from bpx.training.parallel import ending
from bpx.training.parallel.failing import attempted, everywhere, is_everywhere

__all__ = ["ALONE", "LEADING", "Agreement"]

T = TypeVar("T")

LEADING: ContextVar[bool] = ContextVar("bpx_leading", default=False)
"""Whether this rank does something for the others, such as a callback, which wait for it."""


@dataclass(frozen=True)
class Agreement:
    """Sums of the ranks' numbers, the same to the last bit on each; one rank has its own.

    Attributes
    ----------
    ranks : Communicator or None
    """

    ranks: Communicator | None = None

    def sums(self, numbers: Sequence[float | None]) -> list[float | None]:
        """Return the sum of each number over the ranks; None where there is none."""
        if self.ranks is None:
            return list(numbers)
        each = zip(*self.ranks.gather(tuple(numbers)), strict=True)
        return [None if None in those else _sum(those) for those in each]

    def mean(self, number: float) -> float:
        """Return the mean of a number over the ranks."""
        if self.ranks is None:
            return number
        return fsum(self.ranks.gather(number)) / self.ranks.size

    def led(self, function: Callable[[], T]) -> T:
        """Return what a function gives on rank 0, which alone calls it, or raise its error.

        What it gives must be something that pickle can hold.
        """
        if self.ranks is None:
            return function()
        own = None
        if self.ranks.rank == 0:
            token = LEADING.set(True)
            try:
                own = attempted(function)
            finally:
                LEADING.reset(token)
        found, wrong = self.ranks.broadcast(own)
        if wrong is not None:
            raise everywhere(wrong)
        led: T = found
        return led

    def first(self, value: T | None) -> T | None:
        """Return the first value over the ranks that is not None."""
        if self.ranks is None:
            return value
        return next((each for each in self.ranks.gather(value) if each is not None), None)

    def least(self, number: int) -> int:
        """Return the least of a number over the ranks."""
        return number if self.ranks is None else min(self.ranks.gather(number))

    def leave(self, error: BaseException) -> None:
        """End all ranks, which would wait for this one, unless they all raise this error."""
        if self.ranks is not None and not is_everywhere(error):
            ending.end(self.ranks, error)


def _sum(numbers: Sequence[float | None]) -> float:
    return sum(each for each in numbers if each is not None)


ALONE = Agreement()
