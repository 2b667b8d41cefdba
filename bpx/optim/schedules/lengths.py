"""How long a schedule lasts: steps, epochs, or the rest of the training.

Only a training knows how many steps an epoch has, so it turns the lengths into numbers of steps
before it compiles anything.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

from bpx._validate import number as checked
from bpx._validate import whole
from bpx.errors import InputError

__all__ = ["Epochs", "Length", "Span", "check_ascending", "is_open", "settled", "span"]


@dataclass(frozen=True)
class Epochs:
    """A number of epochs, in place of a number of steps of a schedule.

    `bpx.train` turns it into steps, rounded to a whole number of at least 1.

    Parameters
    ----------
    number : float
        Positive.

    Raises
    ------
    InputError
        If it is not positive.

    Examples
    --------
    >>> rate = bpx.optim.step_decay(0.1, every=bpx.optim.Epochs(10))
    """

    number: float

    def __post_init__(self) -> None:
        checked("number", self.number, "a positive number of epochs", lambda v: v > 0.0)


Span: TypeAlias = int | Epochs | None
"""A number of steps, or of `Epochs`; None for the rest of the training."""


def span(name: str, value: Any, least: int = 1) -> Any:
    """Return a length as it is in a schedule's numbers: a float, `Epochs`, or None.

    Raises
    ------
    InputError
        If it is neither of these nor a whole number of at least `least`.
    """
    if value is None or isinstance(value, Epochs):
        return value
    expected = f"a whole number of at least {least}, or bpx.optim.Epochs(...)"
    return float(whole(name, value, least, None, expected))


class Length(NamedTuple):
    """How long a training lasts.

    Attributes
    ----------
    per_epoch : int or None
        The number of steps in an epoch; None if nobody knows it before the epoch ends.
    total : int or None
        The number of all steps; None if nobody knows it.
    """

    per_epoch: int | None
    total: int | None

    def steps(self, given: Any) -> Any:
        """Return a number as it is, and another length as a number of steps.

        Raises
        ------
        InputError
            If the length is not known, or no steps are left for the rest of the training.
        """
        if given is None:
            return self._rest()
        if not isinstance(given, Epochs):
            return given
        if self.per_epoch is None:
            raise InputError(
                f"the schedule lasts {given}, but the number of mini-batches in an epoch of "
                "this stream is not known; give steps_per_epoch, or a number of steps"
            )
        return float(max(1, round(given.number * self.per_epoch)))

    def after(self, steps: float) -> "Length":
        """Return the length of the training after some steps."""
        return self._replace(total=None if self.total is None else self.total - int(steps))

    def _rest(self) -> float:
        if self.total is None:
            raise InputError(
                "the schedule lasts as long as the training, but nobody knows the end of this "
                "stream; give epochs and steps_per_epoch, or the number of steps of the "
                "schedule"
            )
        if self.total < 1:
            raise InputError(
                f"the last part of the schedule begins {-self.total} steps after the end of "
                "the training; give fewer steps to the parts before it, such as the warmup, "
                "or train for more epochs"
            )
        return float(self.total)


def is_open(numbers: Any) -> bool:
    """Whether the numbers of a schedule have a length that only a training can tell."""
    if isinstance(numbers, tuple):
        return any(map(is_open, numbers))
    return numbers is None or isinstance(numbers, Epochs)


def settled(numbers: Any, length: Length | None) -> Any:
    """Return the numbers of a schedule, with every length as a number of steps.

    A named tuple of numbers may have a method ``settled(length)`` that does it.

    Parameters
    ----------
    numbers : named tuple
    length : Length or None
        With None, each unknown length becomes 1, for a program that is only read.
    """
    if not isinstance(numbers, tuple):
        open_ended = length is None and is_open(numbers)
        return 1.0 if open_ended else numbers if length is None else length.steps(numbers)
    if length is not None and hasattr(numbers, "settled"):
        return numbers.settled(length)
    each = [settled(number, length) for number in numbers]
    return type(numbers)(*each) if hasattr(numbers, "_fields") else tuple(each)


def check_ascending(name: str, boundaries: tuple[Any, ...]) -> None:
    """Refuse boundaries that do not ascend, as far as they can be compared."""
    for one, other in pairwise(boundaries):
        alike = isinstance(one, Epochs) == isinstance(other, Epochs)
        low, high = (getattr(each, "number", each) for each in (one, other))
        if alike and low >= high:
            raise InputError(
                f"{name} has the boundary {other} after {one}; expected ascending steps"
            )
