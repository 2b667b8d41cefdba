"""Learning rates that rise once and fall once, and momentum that falls and rises again."""

from math import pi
from typing import Any, NamedTuple

from bpx._typing import Array
from bpx._validate import number as checked
from bpx.arrays.registry import namespace
from bpx.optim.schedules.lengths import Span, span
from bpx.optim.schedules.schedule import Schedule

__all__ = [
    "cosine_onecycle_momentum",
    "cosine_onecycle_schedule",
    "linear_onecycle_momentum",
    "linear_onecycle_schedule",
]


class CosineCycle(NamedTuple):
    """The numbers of `cosine_onecycle_schedule`: the value at three steps, and their places."""

    start: Any
    peak: Any
    end: Any
    risen: Any
    steps: Any


class LinearCycle(NamedTuple):
    """The numbers of `linear_onecycle_schedule`: the value at four steps, and their places."""

    start: Any
    peak: Any
    end: Any
    risen: Any
    fallen: Any
    steps: Any


def cosine_onecycle_schedule(
    peak: float,
    *,
    steps: Span = None,
    pct_start: float = 0.3,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> Schedule:
    """Rise to `peak` along a cosine, then fall along another to almost 0.

    Parameters
    ----------
    peak : float
        The largest learning rate, positive.
    steps : int or Epochs, optional
        The length of the cycle, at least 1. By default the whole training.
    pct_start : float, optional
        The fraction of the steps that rise, in (0, 1). If that is no whole number of steps,
        the peak lies between two steps and is not quite reached.
    div_factor : float, optional
        The cycle starts at ``peak / div_factor``; at least 1.
    final_div_factor : float, optional
        The cycle ends at ``peak / div_factor / final_div_factor``; at least 1.

    Raises
    ------
    InputError
        If a number is out of its range.

    Notes
    -----
    L. N. Smith, N. Topin, "Super-convergence" (2018), in the form of fastai, with the names of
    Optax, which rounds the steps that rise down, and of PyTorch's ``OneCycleLR``, whose cycle
    ends one step earlier. The momentum does not change, as in Optax: for PyTorch's
    ``cycle_momentum`` use `cosine_onecycle_momentum`.

    Examples
    --------
    >>> optimizer = bpx.SGD(bpx.optim.cosine_onecycle_schedule(0.5), momentum=0.9)
    """
    _check(peak, pct_start, div_factor, final_div_factor)
    start, length = peak / div_factor, span("steps", steps)
    end = start / final_div_factor
    return Schedule(_cosine_cycle, CosineCycle(start, peak, end, pct_start, length))


def linear_onecycle_schedule(
    peak: float,
    *,
    steps: Span = None,
    pct_start: float = 0.3,
    pct_final: float = 0.85,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> Schedule:
    """Rise to `peak` in equal steps, fall back, and then fall to almost 0.

    Parameters
    ----------
    peak : float
        The largest learning rate, positive.
    steps : int or Epochs, optional
        The length of the cycle, at least 1. By default the whole training.
    pct_start : float, optional
        The fraction of the steps that rise, in (0, 1). If that is no whole number of steps,
        the peak lies between two steps and is not quite reached.
    pct_final : float, optional
        The fraction of the steps after which the learning rate is as at the start, in
        (pct_start, 1).
    div_factor : float, optional
        The cycle starts at ``peak / div_factor``; at least 1.
    final_div_factor : float, optional
        The cycle ends at ``peak / div_factor / final_div_factor``; at least 1.

    Raises
    ------
    InputError
        If a number is out of its range.

    Notes
    -----
    L. N. Smith, "A disciplined approach to neural network hyper-parameters" (2018), section
    4.1, with the names of Optax, which rounds both numbers of steps down. The momentum does not
    change: see `linear_onecycle_momentum`.
    """
    _check(peak, pct_start, div_factor, final_div_factor)
    _check_final(pct_final, pct_start)
    start, length = peak / div_factor, span("steps", steps)
    end = start / final_div_factor
    numbers = LinearCycle(start, peak, end, pct_start, pct_final, length)
    return Schedule(_linear_cycle, numbers)


def cosine_onecycle_momentum(
    high: float = 0.95, low: float = 0.85, *, steps: Span = None, pct_start: float = 0.3
) -> Schedule:
    """Let the momentum fall to `low` along a cosine, and rise back to `high` along another.

    It is lowest where the learning rate of `cosine_onecycle_schedule` is highest.

    Parameters
    ----------
    high, low : float, optional
        The momentum at both ends of the cycle, and between them; in [0, 1).
    steps, pct_start
        Those of the learning rate.

    Raises
    ------
    InputError
        If a number is out of its range.

    Notes
    -----
    L. N. Smith, N. Topin, "Super-convergence" (2018), as PyTorch's ``OneCycleLR`` with
    max_momentum and base_momentum.

    Examples
    --------
    >>> from bpx.optim import cosine_onecycle_momentum, cosine_onecycle_schedule
    >>> optimizer = bpx.SGD(cosine_onecycle_schedule(0.5), cosine_onecycle_momentum())
    """
    _check_momentum(high, low, pct_start)
    length = span("steps", steps)
    return Schedule(_cosine_cycle, CosineCycle(high, low, high, pct_start, length))


def linear_onecycle_momentum(
    high: float = 0.95,
    low: float = 0.85,
    *,
    steps: Span = None,
    pct_start: float = 0.3,
    pct_final: float = 0.85,
) -> Schedule:
    """Let the momentum fall to `low` in equal steps, rise back to `high`, and stay there.

    It is lowest where the learning rate of `linear_onecycle_schedule` is highest.

    Parameters
    ----------
    high, low : float, optional
        The momentum at both ends of the cycle, and between them; in [0, 1).
    steps, pct_start, pct_final
        Those of the learning rate.

    Raises
    ------
    InputError
        If a number is out of its range.

    Notes
    -----
    L. N. Smith, "A disciplined approach to neural network hyper-parameters" (2018), section
    4.3.
    """
    _check_momentum(high, low, pct_start)
    _check_final(pct_final, pct_start)
    length = span("steps", steps)
    numbers = LinearCycle(high, low, high, pct_start, pct_final, length)
    return Schedule(_linear_cycle, numbers)


def _check(peak: Any, pct_start: Any, div_factor: Any, final_div_factor: Any) -> None:
    checked("peak", peak, "a positive number", lambda v: v > 0.0)
    _check_start(pct_start)
    checked("div_factor", div_factor, "a number of at least 1", lambda v: v >= 1.0)
    checked("final_div_factor", final_div_factor, "a number of at least 1", lambda v: v >= 1.0)


def _check_momentum(high: Any, low: Any, pct_start: Any) -> None:
    checked("high", high, "a number in [0, 1)", lambda v: 0.0 <= v < 1.0)
    checked("low", low, f"a number in [0, {high}]", lambda v: 0.0 <= v <= high)
    _check_start(pct_start)


def _check_start(pct_start: Any) -> None:
    checked("pct_start", pct_start, "a number in (0, 1)", lambda v: 0.0 < v < 1.0)


def _check_final(pct_final: Any, pct_start: Any) -> None:
    beyond = f"a number in ({pct_start}, 1)"
    checked("pct_final", pct_final, beyond, lambda v: pct_start < v < 1.0)


def _cosine_cycle(t: Array, numbers: CosineCycle) -> Array:
    xp, (start, peak, end, risen, steps) = namespace(t), numbers
    top = risen * steps
    up = _cosine(start, peak, t / top)
    down = _cosine(peak, end, xp.minimum((t - top) / (steps - top), 1.0))
    eta: Array = xp.where(t < top, up, down)
    return eta


def _linear_cycle(t: Array, numbers: LinearCycle) -> Array:
    xp, (start, peak, end, risen, fallen, steps) = namespace(t), numbers
    top, bottom = risen * steps, fallen * steps
    up = start + (peak - start) * (t / top)
    down = peak + (start - peak) * ((t - top) / (bottom - top))
    done = xp.minimum((t - bottom) / (steps - bottom), 1.0)
    falling = xp.where(t < bottom, down, start + (end - start) * done)
    eta: Array = xp.where(t < top, up, falling)
    return eta


def _cosine(one: Array, other: Array, done: Array) -> Array:
    """The value on the cosine from `one` to `other`, of which the part `done` is over."""
    value: Array = other + 0.5 * (one - other) * (1.0 + namespace(done).cos(pi * done))
    return value
