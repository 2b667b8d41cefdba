"""Learning rates that change from step to step: functions of the step counter.

A schedule is a value that replaces a learning rate, as in
``bpx.SGD(bpx.optim.warmup_cosine(0.1, warmup=100, steps=5000))``. Its numbers and the counter
are arrays in the optimizer's state, so that all schedules with the same `rate` share one
compiled step.
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
    """A learning rate as a function of the step counter.

    Parameters
    ----------
    rate : callable
        ``rate(t, numbers) -> eta``, a module-level function of array operations. t, shape
        (1,), is the number of steps before this one, as a float.
    numbers : named tuple of float
        The numbers of the schedule, at least one; `rate` gets them as arrays of shape (1,).

    Raises
    ------
    InputError
        If `rate` is not a function, or `numbers` is not such a tuple.

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
    """Rise from peak / warmup to `peak` in equal steps, then fall to `end` along a cosine.

    eta_t = peak (t + 1) / warmup for t < warmup, then
    end + ½ (peak − end) (1 + cos(pi (t − warmup) / (steps − warmup))), and `end` after `steps`.

    Parameters
    ----------
    peak : float
        The largest learning rate, positive.
    warmup : int
        The number of steps of the rise, at least 0.
    steps : int
        The number of all steps, more than `warmup`: epochs × mini-batches per epoch.
    end : float, optional
        At least 0, and at most `peak`.

    Raises
    ------
    InputError
        If a number is out of its range.

    Notes
    -----
    The cosine is that of I. Loshchilov, F. Hutter, "SGDR" (2017), equation 5, without restarts;
    the warmup is that of P. Goyal et al., "Accurate, large minibatch SGD" (2017), section 2.2.

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
