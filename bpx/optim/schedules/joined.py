"""Schedules made of other schedules: one after another, and any of them after a warmup."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from bpx._typing import Array
from bpx._validate import whole
from bpx.arrays.registry import namespace
from bpx.errors import InputError
from bpx.optim.schedules.lengths import Epochs, Length, check_ascending, settled, span
from bpx.optim.schedules.pieces import constant_schedule
from bpx.optim.schedules.schedule import Schedule

__all__ = ["join_schedules", "linear_warmup"]


class Warmed(NamedTuple):
    """The numbers of `linear_warmup`."""

    warmup: Any
    then: Any

    def settled(self, length: Length) -> "Warmed":
        """Return the numbers with the lengths in steps; those after the warmup begin there."""
        warmup = length.steps(self.warmup)
        return Warmed(warmup, settled(self.then, length.after(warmup)))


class Joined(NamedTuple):
    """The numbers of `join_schedules`."""

    parts: tuple[Any, ...]
    boundaries: tuple[Any, ...]

    def settled(self, length: Length) -> "Joined":
        """Return the numbers with lengths in steps; each part ends where the next begins."""
        boundaries = tuple(map(length.steps, self.boundaries))
        check_ascending("boundaries", boundaries)
        begin, end = (0.0, *boundaries), (*boundaries, None)
        own = (
            length.after(first) if last is None else length._replace(total=int(last - first))
            for first, last in zip(begin, end, strict=True)
        )
        return Joined(tuple(map(settled, self.parts, own)), boundaries)


def linear_warmup(then: float | Schedule, *, steps: int | Epochs) -> Schedule:
    """Rise in equal steps to where another schedule, or a constant, begins.

    eta_t = then_0 (t + 1) / steps for t < steps, and then_{t − steps} from there.

    Parameters
    ----------
    then : float or Schedule
        The learning rate after the warmup.
    steps : int or Epochs
        At least 1.

    Raises
    ------
    InputError
        If an argument cannot be used.

    Notes
    -----
    P. Goyal et al., "Accurate, large minibatch SGD" (2017), section 2.2. With
    `cosine_decay_schedule` it is `warmup_cosine`. A rise from a number of your own is
    ``join_schedules([linear_schedule(0.0, end=0.1, steps=100), ...], [100])``.

    Examples
    --------
    >>> falling = bpx.optim.exponential_decay(1e-3, rate=0.9)
    >>> optimizer = bpx.Adam(bpx.optim.linear_warmup(falling, steps=100))
    """
    if not isinstance(steps, Epochs):
        whole("steps", steps, 1, None, "a whole number of at least 1, or bpx.optim.Epochs(1)")
    after = then if isinstance(then, Schedule) else constant_schedule(then)
    return Schedule(_Warmed(after.rate), Warmed(span("steps", steps), after.numbers))


def join_schedules(
    schedules: Sequence[Schedule], boundaries: Sequence[int | Epochs]
) -> Schedule:
    """Follow one schedule after another, each from its own first step.

    Parameters
    ----------
    schedules : sequence of Schedule
        At least one.
    boundaries : sequence of int or Epochs
        The steps at which the second and the later ones begin, in ascending order.

    Raises
    ------
    InputError
        If an argument cannot be used.

    Notes
    -----
    As in Optax; PyTorch's is ``SequentialLR``. A part that lasts "the whole training" lasts to
    the next boundary, or to the end.

    Examples
    --------
    >>> from bpx.optim import Epochs, cosine_decay_schedule, linear_schedule
    >>> rise = linear_schedule(0.01, end=0.1)
    >>> rate = bpx.optim.join_schedules([rise, cosine_decay_schedule(0.1)], [Epochs(5)])
    """
    listed = isinstance(schedules, Sequence) and len(schedules) > 0
    if not listed or not all(isinstance(each, Schedule) for each in schedules):
        raise InputError(f"schedules={schedules!r} was given; expected a list of schedules")
    counted = hasattr(boundaries, "__len__") and not isinstance(boundaries, str)
    if not counted or len(boundaries) != len(schedules) - 1 or None in boundaries:
        raise InputError(
            f"boundaries={boundaries!r} was given for {len(schedules)} schedules; expected "
            f"{len(schedules) - 1}: the steps at which the second and the later ones begin"
        )
    places = tuple(span("boundaries", each) for each in boundaries)
    check_ascending("boundaries", places)
    numbers = Joined(tuple(each.numbers for each in schedules), places)
    return Schedule(_Joined(tuple(each.rate for each in schedules)), numbers)


@dataclass(frozen=True)
class _Warmed:
    """The rate of `linear_warmup`."""

    then: Callable[[Any, Any], Any]

    def __call__(self, t: Array, numbers: Warmed) -> Array:
        xp, warmup = namespace(t), numbers.warmup
        share = xp.minimum((t + 1.0) / warmup, 1.0)
        eta: Array = share * self.then(xp.maximum(t - warmup, 0.0), numbers.then)
        return eta


@dataclass(frozen=True)
class _Joined:
    """The rate of `join_schedules`."""

    rates: tuple[Callable[[Any, Any], Any], ...]

    def __call__(self, t: Array, numbers: Joined) -> Array:
        xp, begun = namespace(t), (0.0, *numbers.boundaries)
        eta: Any = None
        for rate, own, begin in zip(self.rates, numbers.parts, begun, strict=True):
            found = rate(t if eta is None else xp.maximum(t - begin, 0.0), own)
            eta = found if eta is None else xp.where(t < begin, eta, found)
        along: Array = eta
        return along
