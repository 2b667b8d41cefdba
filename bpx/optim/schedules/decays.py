"""Learning rates that fall, or rise, exponentially, in a line or as a polynomial."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from bpx._typing import Array
from bpx._validate import flag, whole
from bpx._validate import number as checked
from bpx.arrays.registry import namespace
from bpx.errors import InputError
from bpx.optim.schedules.lengths import Epochs, Span, span
from bpx.optim.schedules.schedule import Schedule

__all__ = ["exponential_decay", "linear_schedule", "polynomial_schedule", "step_decay"]


class Exponential(NamedTuple):
    """The numbers of `exponential_decay` without an end."""

    start: Any
    steps: Any
    rate: Any


class BoundedExponential(NamedTuple):
    """The numbers of `exponential_decay` with an end."""

    start: Any
    steps: Any
    rate: Any
    end: Any


class Linear(NamedTuple):
    """The numbers of `linear_schedule`."""

    start: Any
    steps: Any
    end: Any


class Polynomial(NamedTuple):
    """The numbers of `polynomial_schedule`."""

    start: Any
    steps: Any
    power: Any
    end: Any


def step_decay(start: float, *, every: int | Epochs, factor: float = 0.1) -> Schedule:
    """Multiply the learning rate by `factor` every so many steps or epochs.

    eta_t = start · factor^⌊t / every⌋.

    Parameters
    ----------
    start : float
        The learning rate of the first step, positive.
    every : int or Epochs
        At least 1 step.
    factor : float, optional
        Positive.

    Raises
    ------
    InputError
        If a number is out of its range.

    Notes
    -----
    This is `exponential_decay` with a staircase; PyTorch's is ``StepLR``, with step_size and
    gamma.

    Examples
    --------
    >>> rate = bpx.optim.step_decay(0.1, every=bpx.optim.Epochs(10))
    """
    checked("factor", factor, "a positive number", lambda v: v > 0.0)
    if not isinstance(every, Epochs):
        whole("every", every, 1, None, "a whole number of at least 1, or bpx.optim.Epochs(1)")
    return exponential_decay(start, rate=factor, steps=every, staircase=True)


def exponential_decay(
    start: float,
    *,
    rate: float,
    steps: Span = Epochs(1),  # noqa: B008 - it is frozen
    staircase: bool = False,
    end: float | None = None,
) -> Schedule:
    """Multiply the learning rate by `rate` in each period of `steps`, a little at every step.

    eta_t = start · rate^(t / steps). With `staircase` the exponent is ⌊t / steps⌋.

    Parameters
    ----------
    start : float
        The learning rate of the first step, positive.
    rate : float
        Positive; above 1 the learning rate rises.
    steps : int or Epochs, optional
        At least 1. By default an epoch; None for the whole training.
    staircase : bool, optional
        Whether the learning rate changes only at the ends of periods.
    end : float, optional
        The learning rate does not pass this positive number: at most `start` if the rate is
        below 1, and at least `start` otherwise.

    Raises
    ------
    InputError
        If a number is out of its range.

    Notes
    -----
    As in Optax, whose names are init_value, transition_steps, decay_rate and end_value. By
    default it is PyTorch's ``ExponentialLR``, but falls during an epoch, too.

    Examples
    --------
    >>> optimizer = bpx.SGD(bpx.optim.exponential_decay(0.1, rate=0.95))
    """
    checked("start", start, "a positive number", lambda v: v > 0.0)
    checked("rate", rate, "a positive number", lambda v: v > 0.0)
    curve = _EXPONENTIAL[flag("staircase", staircase)]
    given = start, span("steps", steps), rate
    if end is None:
        return Schedule(curve, Exponential(*given))
    checked("end", end, "a positive number", lambda v: v > 0.0)
    falls = rate < 1.0
    if end > start if falls else end < start:
        raise InputError(
            f"end={end!r} was given for a learning rate that {'falls' if falls else 'rises'} "
            f"from {start!r}; expected at {'most' if falls else 'least'} {start!r}, or None"
        )
    return Schedule(curve, BoundedExponential(*given, end))


def linear_schedule(start: float, *, end: float = 0.0, steps: Span = None) -> Schedule:
    """Go from `start` to `end` in equal steps, and stay there.

    eta_t = end + (start − end) (1 − t / steps).

    Parameters
    ----------
    start : float
        The learning rate of the first step, at least 0.
    end : float, optional
        At least 0.
    steps : int or Epochs, optional
        At least 1. By default the whole training.

    Raises
    ------
    InputError
        If a number is out of its range.
    """
    checked("start", start, "a number of at least 0", lambda v: v >= 0.0)
    checked("end", end, "a number of at least 0", lambda v: v >= 0.0)
    return Schedule(_linear, Linear(start, span("steps", steps), end))


def polynomial_schedule(
    start: float, *, power: float, end: float = 0.0, steps: Span = None
) -> Schedule:
    """Go from `start` to `end` along a power of the remaining steps.

    eta_t = end + (start − end) (1 − t / steps)^power, and `end` after `steps`.

    Parameters
    ----------
    start : float
        The learning rate of the first step, at least 0.
    power : float
        Positive; 1 is `linear_schedule`.
    end : float, optional
        At least 0.
    steps : int or Epochs, optional
        At least 1. By default the whole training.

    Raises
    ------
    InputError
        If a number is out of its range.

    Notes
    -----
    PyTorch's ``PolynomialLR`` has no end.
    """
    checked("start", start, "a number of at least 0", lambda v: v >= 0.0)
    checked("power", power, "a positive number", lambda v: v > 0.0)
    checked("end", end, "a number of at least 0", lambda v: v >= 0.0)
    return Schedule(_polynomial, Polynomial(start, span("steps", steps), power, end))


@dataclass(frozen=True)
class _Exponential:
    staircase: bool

    def __call__(self, t: Array, numbers: Exponential | BoundedExponential) -> Array:
        xp, start, rate = namespace(t), numbers.start, numbers.rate
        periods = t / numbers.steps
        eta: Array = start * rate ** (xp.floor(periods) if self.staircase else periods)
        if isinstance(numbers, Exponential):
            return eta
        falls, end = rate < 1.0, numbers.end
        bounded: Array = xp.where(falls, xp.maximum(eta, end), xp.minimum(eta, end))
        return bounded


_EXPONENTIAL = {each: _Exponential(each) for each in (False, True)}


def _linear(t: Array, numbers: Linear) -> Array:
    left = 1.0 - namespace(t).minimum(t / numbers.steps, 1.0)
    eta: Array = numbers.end + (numbers.start - numbers.end) * left
    return eta


def _polynomial(t: Array, numbers: Polynomial) -> Array:
    left = 1.0 - namespace(t).minimum(t / numbers.steps, 1.0)
    eta: Array = numbers.end + (numbers.start - numbers.end) * left**numbers.power
    return eta
