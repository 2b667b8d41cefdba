"""Learning rates that fall along a cosine: once, after a warmup, or with restarts."""

from math import pi
from typing import Any, NamedTuple, cast

from bpx._typing import Array
from bpx._validate import number as checked
from bpx._validate import whole
from bpx.arrays.registry import namespace
from bpx.errors import InputError
from bpx.optim.schedules.lengths import Epochs, Length, Span, is_open, span
from bpx.optim.schedules.schedule import Schedule

__all__ = ["cosine_decay_schedule", "sgdr_schedule", "warmup_cosine"]


class Cosine(NamedTuple):
    """The numbers of `cosine_decay_schedule`."""

    start: Any
    steps: Any
    end: Any


class WarmupCosine(NamedTuple):
    """The numbers of `warmup_cosine`."""

    peak: Any
    warmup: Any
    steps: Any
    end: Any

    def settled(self, length: Length) -> "WarmupCosine":
        """Return the numbers with the lengths in steps, which are checked once more."""
        warmup, steps = length.steps(self.warmup), length.steps(self.steps)
        if steps <= warmup:
            whole = "training" if self.steps is None else "schedule"
            raise InputError(
                f"a warmup of {int(warmup)} steps was given, but the {whole} has {int(steps)}; "
                f"expected a shorter warmup or a longer {whole}"
            )
        return self._replace(warmup=warmup, steps=steps)


class Restarts(NamedTuple):
    """The numbers of `sgdr_schedule` with periods of one length."""

    peak: Any
    period: Any
    end: Any


class GrowingRestarts(NamedTuple):
    """The numbers of `sgdr_schedule` with periods that become longer."""

    peak: Any
    period: Any
    factor: Any
    end: Any


def cosine_decay_schedule(start: float, *, steps: Span = None, end: float = 0.0) -> Schedule:
    """Fall from `start` to `end` along a cosine.

    eta_t = end + ½ (start − end) (1 + cos(pi t / steps)), and `end` after `steps`.

    Parameters
    ----------
    start : float
        The learning rate of the first step, positive.
    steps : int or Epochs, optional
        At least 1. By default the whole training.
    end : float, optional
        At least 0, and at most `start`.

    Raises
    ------
    InputError
        If a number is out of its range.

    Notes
    -----
    I. Loshchilov, F. Hutter, "SGDR" (2017), equation 5, without restarts. Optax's function of
    this name has ``alpha = end / start``; PyTorch's is ``CosineAnnealingLR``.

    Examples
    --------
    >>> optimizer = bpx.Adam(bpx.optim.cosine_decay_schedule(1e-3))
    """
    checked("start", start, "a positive number", lambda v: v > 0.0)
    checked("end", end, f"a number in [0, {start}]", lambda v: 0.0 <= v <= start)
    return Schedule(_cosine, Cosine(start, span("steps", steps), end))


def warmup_cosine(
    peak: float, *, warmup: int | Epochs, steps: Span = None, end: float = 0.0
) -> Schedule:
    """Rise from peak / warmup to `peak` in equal steps, then fall to `end` along a cosine.

    eta_t = peak (t + 1) / warmup for t < warmup, then
    end + ½ (peak − end) (1 + cos(pi (t − warmup) / (steps − warmup))), and `end` after `steps`.

    Parameters
    ----------
    peak : float
        The largest learning rate, positive.
    warmup : int or Epochs
        The number of steps of the rise, at least 0.
    steps : int or Epochs, optional
        The number of all steps, more than `warmup`. By default those of the whole training.
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
    if not isinstance(warmup, Epochs):
        whole("warmup", warmup, 0, None, "a whole number of at least 0")
    if not is_open(steps):
        whole("steps", steps, 1, None, "a whole number of at least 1")
    if not is_open((warmup, steps)) and cast(int, steps) <= cast(int, warmup):
        raise InputError(f"steps={steps!r} was given; expected more than warmup={warmup!r}")
    given = span("warmup", warmup, 0), span("steps", steps)
    return Schedule(_warmup_cosine, WarmupCosine(peak, *given, end))


def sgdr_schedule(
    peak: float, *, period: int | Epochs, factor: int = 1, end: float = 0.0
) -> Schedule:
    """Fall from `peak` to `end` along a cosine, again and again: warm restarts.

    eta_t = end + ½ (peak − end) (1 + cos(pi t_i / T_i)), where t_i counts the steps since the
    last restart, and T_i, the length of the i-th period, is period · factor^i.

    Parameters
    ----------
    peak : float
        The learning rate at the beginning of each period, positive.
    period : int or Epochs
        The length of the first period, at least 1 step.
    factor : int, optional
        By how much each period is longer than the one before, at least 1.
    end : float, optional
        At least 0, and at most `peak`.

    Raises
    ------
    InputError
        If a number is out of its range.

    Notes
    -----
    I. Loshchilov, F. Hutter, "SGDR: Stochastic gradient descent with warm restarts" (2017),
    equation 5. PyTorch's ``CosineAnnealingWarmRestarts`` calls the numbers T_0, T_mult and
    eta_min.

    Examples
    --------
    >>> rate = bpx.optim.sgdr_schedule(0.1, period=bpx.optim.Epochs(1), factor=2)
    """
    checked("peak", peak, "a positive number", lambda v: v > 0.0)
    checked("end", end, f"a number in [0, {peak}]", lambda v: 0.0 <= v <= peak)
    whole("factor", factor, 1, None, "a whole number of at least 1")
    if not isinstance(period, Epochs):
        whole("period", period, 1, None, "a whole number of at least 1, or bpx.optim.Epochs(1)")
    length = span("period", period)
    if factor == 1:
        return Schedule(_restarts, Restarts(peak, length, end))
    return Schedule(_growing_restarts, GrowingRestarts(peak, length, float(factor), end))


def _between(high: Array, low: Array, done: Array) -> Array:
    """The value on the cosine from `high` to `low`, of which the part `done` is over."""
    xp = namespace(done)
    value: Array = low + 0.5 * (high - low) * (1.0 + xp.cos(pi * done))
    return value


def _cosine(t: Array, numbers: Cosine) -> Array:
    xp = namespace(t)
    return _between(numbers.start, numbers.end, xp.minimum(t / numbers.steps, 1.0))


def _warmup_cosine(t: Array, numbers: WarmupCosine) -> Array:
    xp = namespace(t)
    peak, warmup, steps, end = numbers
    up = peak * (t + 1.0) / xp.maximum(warmup, 1.0)
    done = xp.clip((t - warmup) / (steps - warmup), 0.0, 1.0)
    along: Array = xp.where(t < warmup, up, _between(peak, end, done))
    return along


def _restarts(t: Array, numbers: Restarts) -> Array:
    xp = namespace(t)
    begun = numbers.period * xp.floor(t / numbers.period)
    return _between(numbers.peak, numbers.end, (t - begun) / numbers.period)


def _growing_restarts(t: Array, numbers: GrowingRestarts) -> Array:
    """The i-th period begins at period (factor^i − 1) / (factor − 1)."""
    xp = namespace(t)
    peak, period, factor, end = numbers
    near = xp.log(t * (factor - 1.0) / period + 1.0) / xp.log(factor)
    i = xp.round(near)  # or one more, which the comparison of whole numbers finds out
    i = xp.where(t < _begun(i, period, factor), i - 1.0, i)
    return _between(peak, end, (t - _begun(i, period, factor)) / (period * factor**i))


def _begun(i: Array, period: Array, factor: Array) -> Array:
    begun: Array = namespace(i).round(period * (factor**i - 1.0) / (factor - 1.0))
    return begun
