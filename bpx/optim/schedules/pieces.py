"""Learning rates that stay constant, or change only at some steps."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from bpx._typing import Array
from bpx._validate import number as checked
from bpx.arrays.registry import namespace
from bpx.errors import InputError
from bpx.optim.schedules.lengths import Epochs, Length, check_ascending, span
from bpx.optim.schedules.schedule import Schedule

__all__ = ["constant_schedule", "piecewise_constant_schedule"]


class Constant(NamedTuple):
    """The number of `constant_schedule`."""

    eta: Any


class Pieces(NamedTuple):
    """The numbers of `piecewise_constant_schedule`."""

    start: Any
    boundaries: tuple[Any, ...]
    scales: tuple[Any, ...]

    def settled(self, length: Length) -> "Pieces":
        """Return the numbers with the boundaries in steps, which are checked once more."""
        boundaries = tuple(map(length.steps, self.boundaries))
        check_ascending("changes", boundaries)
        return self._replace(boundaries=boundaries)


def constant_schedule(eta: float) -> Schedule:
    """Stay at `eta`: a part of `join_schedules`, or with `linear_warmup`.

    Parameters
    ----------
    eta : float
        Positive.

    Raises
    ------
    InputError
        If it is not positive.
    """
    checked("eta", eta, "a positive number", lambda v: v > 0.0)
    return Schedule(_constant, Constant(eta))


def piecewise_constant_schedule(
    start: float, changes: Mapping[int | Epochs, float]
) -> Schedule:
    """Stay constant, except that some steps multiply the learning rate.

    eta_t is `start` times the factors of all changes at steps up to t.

    Parameters
    ----------
    start : float
        The learning rate of the first step, positive.
    changes : mapping of int or Epochs to float
        The positive factor for each step, or end of an epoch, in ascending order.

    Raises
    ------
    InputError
        If a number is out of its range, or the steps do not ascend.

    Notes
    -----
    As in Optax, where the mapping is ``boundaries_and_scales``. PyTorch's ``MultiStepLR`` has
    one factor, gamma.

    Examples
    --------
    >>> from bpx.optim import Epochs
    >>> rate = bpx.optim.piecewise_constant_schedule(0.1, {Epochs(20): 0.1, Epochs(30): 0.1})
    """
    checked("start", start, "a positive number", lambda v: v > 0.0)
    if not isinstance(changes, Mapping) or not changes:
        raise InputError(
            f"changes={changes!r} was given; expected a factor for each step, such as "
            "{1000: 0.1}"
        )
    for factor in changes.values():
        checked("changes", factor, "positive factors", lambda v: v > 0.0)
    boundaries = tuple(_boundary(each) for each in changes)
    check_ascending("changes", boundaries)
    return Schedule(_pieces, Pieces(start, boundaries, tuple(changes.values())))


def _boundary(given: Any) -> Any:
    if given is None:
        raise InputError("changes has the step None; expected a whole number of at least 1")
    return span("changes", given)


def _constant(t: Array, numbers: Constant) -> Array:
    eta: Array = numbers.eta
    return eta


def _pieces(t: Array, numbers: Pieces) -> Array:
    xp, eta = namespace(t), numbers.start
    for boundary, scale in zip(numbers.boundaries, numbers.scales, strict=True):
        eta = xp.where(t < boundary, eta, scale * eta)
    return eta
