"""Learning rates that change from step to step: functions of the count of steps.

A schedule is a value that takes the place of a learning rate, as in
``bpx.SGD(bpx.optim.warmup_cosine(0.1, warmup=100, steps=5000))``. Its numbers and the count
are arrays in the optimizer's state, so that all schedules of one shape are one compiled step.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import pi
from typing import Any, NamedTuple

from bpx._typing import Array
from bpx._validate import number as checked
from bpx._validate import whole
from bpx.arrays.registry import namespace
from bpx.errors import InputError
from bpx.optim.chained import called

__all__ = ["Schedule", "warmup_cosine"]


@dataclass(frozen=True)
class Schedule:
    """A learning rate as a function of the count of steps.

    Parameters
    ----------
    rate : callable
        ``rate(t, numbers) -> eta``, in array operations: t, shape (1,), is the count of steps
        before this one, as a float; a function of a module.
    numbers : named tuple of float
        What it is made of, at least one; arrays of shape (1,) when `rate` is given them.

    Raises
    ------
    InputError
        If `rate` is no function, or `numbers` no such tuple.

    Examples
    --------
    >>> from typing import NamedTuple
    >>> class Halving(NamedTuple):
    ...     start: float
    ...     steps: float
    >>> def halve(t, numbers):
    ...     return numbers.start * 0.5 ** (t / numbers.steps)
    >>> optimizer = bpx.SGD(bpx.optim.Schedule(halve, Halving(3.0, 1000.0)))
    """

    rate: Callable[[Any, Any], Any]
    numbers: Any

    def __post_init__(self) -> None:
        if not callable(self.rate):
            raise InputError(
                f"rate={self.rate!r} was given; expected a function rate(t, numbers) -> eta"
            )
        names = getattr(self.numbers, "_fields", ())
        if not names:
            raise InputError(
                f"numbers={self.numbers!r} was given; expected a named tuple of at least one "
                "number"
            )
        for name in names:
            checked(name, getattr(self.numbers, name), "a finite number", lambda v: True)

    def __repr__(self) -> str:
        return f"<bpx.optim.Schedule {called(self.rate)} of {self.numbers}>"


class WarmupCosine(NamedTuple):
    """The numbers of `warmup_cosine`."""

    peak: Any
    warmup: Any
    steps: Any
    end: Any


def warmup_cosine(peak: float, *, warmup: int, steps: int, end: float = 0.0) -> Schedule:
    """From peak / warmup up to `peak` in equal steps, then down to `end` along a cosine.

    eta_t = peak (t + 1) / warmup for t < warmup, then
    end + ½ (peak − end) (1 + cos(pi (t − warmup) / (steps − warmup))), and `end` from then on.

    Parameters
    ----------
    peak : float
        The largest learning rate, positive.
    warmup : int
        The steps of the way up, at least 0.
    steps : int
        All steps, more than `warmup`: epochs × mini-batches of an epoch.
    end : float, optional
        At least 0, and at most `peak`.

    Raises
    ------
    InputError
        If a number is out of its range.

    Notes
    -----
    I. Loshchilov, F. Hutter, "SGDR" (2017), equation 5, without restarts; the way up after
    P. Goyal et al., "Accurate, large minibatch SGD" (2017), section 2.2.

    Examples
    --------
    >>> optimizer = bpx.Adam(bpx.optim.warmup_cosine(1e-3, warmup=100, steps=2000))
    """
    checked("peak", peak, "a positive number", lambda v: v > 0.0)
    checked("end", end, f"a number in [0, {peak}]", lambda v: 0.0 <= v <= peak)
    whole("warmup", warmup, 0, None, "a whole number of at least 0")
    if whole("steps", steps, 1, None, "a whole number of at least 1") <= warmup:
        raise InputError(f"steps={steps!r} was given; expected more than warmup={warmup!r}")
    return Schedule(_warmup_cosine, WarmupCosine(peak, float(warmup), float(steps), end))


def _warmup_cosine(t: Array, numbers: WarmupCosine) -> Array:
    xp = namespace(t)
    peak, warmup, steps, end = numbers
    up = peak * (t + 1.0) / xp.maximum(warmup, 1.0)
    done = xp.clip((t - warmup) / (steps - warmup), 0.0, 1.0)
    down: Array = end + 0.5 * (peak - end) * (1.0 + xp.cos(pi * done))
    along: Array = xp.where(t < warmup, up, down)
    return along
