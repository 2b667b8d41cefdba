"""A learning rate that falls when the cost no longer does: it watches the epochs' costs."""

from typing import Any, NamedTuple

from bpx._typing import Array
from bpx._validate import number as checked
from bpx._validate import whole
from bpx.arrays.registry import namespace
from bpx.optim.schedules.schedule import Schedule

__all__ = ["after_epoch", "reduce_on_plateau", "watches"]


class Plateau(NamedTuple):
    """The numbers of `reduce_on_plateau`, which change after each epoch.

    Attributes
    ----------
    eta : array
        The learning rate.
    best : array
        The lowest cost so far; it means nothing before the first epoch.
    bad : array
        The number of epochs since then without a lower cost.
    wait : array
        The number of epochs that are still too early for another reduction.
    epochs : array
        The number of epochs so far.
    factor, patience, cooldown, smallest, threshold : array
        The arguments of `reduce_on_plateau`.
    """

    eta: Any
    best: Any
    bad: Any
    wait: Any
    epochs: Any
    factor: Any
    patience: Any
    cooldown: Any
    smallest: Any
    threshold: Any

    def after_epoch(self, cost: float) -> "Plateau":
        """Return the numbers for the next epoch, after one of this cost."""
        xp = namespace(self.eta)
        cost_now = xp.full_like(self.best, cost)
        first = (self.epochs == 0.0) | (self.best != self.best)  # NaN compares with none
        better = first | (cost_now < self.best - self.threshold * xp.abs(self.best))
        cooling = self.wait > 0.0
        bad = xp.where(better | cooling, xp.zeros_like(self.bad), self.bad + 1.0)
        reduced = bad > self.patience
        lower = xp.maximum(self.eta * self.factor, self.smallest)
        return self._replace(
            eta=xp.where(reduced, xp.minimum(lower, self.eta), self.eta),
            best=xp.where(better, cost_now, self.best),
            bad=xp.where(reduced, xp.zeros_like(bad), bad),
            wait=xp.where(reduced, self.cooldown, xp.maximum(self.wait - 1.0, 0.0)),
            epochs=self.epochs + 1.0,
        )


def reduce_on_plateau(
    start: float,
    *,
    factor: float = 0.1,
    patience: int = 10,
    cooldown: int = 0,
    threshold: float = 1e-4,
    smallest: float = 0.0,
) -> Schedule:
    """Multiply the learning rate by `factor` when the cost has stopped falling.

    After each epoch, `bpx.train` passes on the cost of the validation samples or, without
    these, of the training samples. An epoch is better if its cost is below the lowest cost so
    far by more than `threshold` times the size of that. After more than `patience` epochs in a
    row that are not, the learning rate falls.

    Parameters
    ----------
    start : float
        The first learning rate, positive.
    factor : float, optional
        In (0, 1).
    patience : int, optional
        At least 0.
    cooldown : int, optional
        For so many epochs after a reduction, no epoch counts as bad; at least 0.
    threshold : float, optional
        In [0, 1).
    smallest : float, optional
        The learning rate does not fall below this; at least 0.

    Raises
    ------
    InputError
        If a number is out of its range.

    Notes
    -----
    This is PyTorch's ``ReduceLROnPlateau`` with a relative threshold; for costs below 0, such
    as `bpx.costs.poisson` may have, PyTorch takes an epoch that is equal for a better one.
    Keras counts `patience` one epoch shorter. The counters are in the optimizer's state, as
    ``state.optimizer.schedule.best`` and so on, so a resumed training goes on from them. A
    `Trainer` has no epochs and refuses it. Private training takes it only with validation
    samples: the cost of the training samples is not private.

    Examples
    --------
    >>> optimizer = bpx.Adam(bpx.optim.reduce_on_plateau(1e-3, factor=0.5, patience=3))
    """
    checked("start", start, "a positive number", lambda v: v > 0.0)
    checked("factor", factor, "a number in (0, 1)", lambda v: 0.0 < v < 1.0)
    whole("patience", patience, 0, None, "a whole number of at least 0")
    whole("cooldown", cooldown, 0, None, "a whole number of at least 0")
    checked("threshold", threshold, "a number in [0, 1)", lambda v: 0.0 <= v < 1.0)
    checked("smallest", smallest, "a number of at least 0", lambda v: v >= 0.0)
    given = factor, float(patience), float(cooldown), smallest, threshold
    return Schedule(_plateau, Plateau(start, 0.0, 0.0, 0.0, 0.0, *given))


def _plateau(t: Array, numbers: Plateau) -> Array:
    eta: Array = numbers.eta
    return eta


def watches(numbers: Any) -> bool:
    """Whether some of a schedule's numbers change with the cost of an epoch."""
    return hasattr(numbers, "after_epoch") or (
        isinstance(numbers, tuple) and any(map(watches, numbers))
    )


def after_epoch(numbers: Any, cost: float) -> Any:
    """Return the numbers of a schedule, after an epoch of this cost."""
    if hasattr(numbers, "after_epoch"):
        return numbers.after_epoch(cost)
    if not isinstance(numbers, tuple) or not watches(numbers):
        return numbers
    each = (after_epoch(number, cost) for number in numbers)
    return type(numbers)(*each) if hasattr(numbers, "_fields") else tuple(each)
