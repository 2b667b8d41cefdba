"""The training step with scikit-learn's penalty: alpha divided by the weight of each batch.

The cost of a batch is sum_x s_x C_x / S + ½ alpha ‖w‖² / S, where S is the sum of its sample
weights, or the number of its rows. A smaller last batch thus has a larger penalty, which no
penalty in the optimizer, the same in all steps, can express.
"""

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import NamedTuple

from bpx._typing import Array
from bpx.arrays.registry import namespace
from bpx.model.parameters import Parameters
from bpx.model.passes import learned
from bpx.optim.chained import Update
from bpx.optim.trees import on_weights
from bpx.training.around import Around
from bpx.training.step import Metrics, State, TrainingStep, counted

__all__ = ["PenalisedData", "PenalisedStep"]


class PenalisedData(NamedTuple):
    """The samples, as in `bpx.training.step.Data`, and alpha.

    Attributes
    ----------
    x : array, shape (n, k_0)
    y : array, shape (n,) or (n, k_L)
    s : array, shape (n,), or None
        The sample weights.
    alpha : array, shape (1,), or None
        None without a penalty.
    """

    x: Array
    y: Array
    s: Array | None = None
    alpha: Array | None = None


@dataclass(frozen=True)
class PenalisedStep(Around):
    """``step(state, data, rows) -> state`` for a mini-batch of `PenalisedData`.

    Attributes
    ----------
    plain : TrainingStep
        The passes and the update, without a penalty.
    update : Update
        That of `plain`, where engines look for it.
    share : float
        The factor of C_x in the reported cost. It is 1 / k_L for the squared error, which
        scikit-learn reports as a mean over the outputs and minimises as a sum.
    """

    plain: TrainingStep
    update: Update
    share: float = 1.0

    @property
    def accuracy(self) -> None:
        """No accuracy is counted."""

    def __call__(self, state: State, data: PenalisedData, rows: Array) -> State:
        """Train on one mini-batch."""
        m, plain = rows.shape[-1], self.plain
        x, labels = self.picked(data, rows)
        s = plain.weights(data, rows)  # type: ignore[arg-type]
        one = 1.0 / m if s is None else _inverse(s)
        r = one if s is None else s[..., None] * one
        made = plain.passes(state, x, labels, None if s is None else r)
        gradient = learned(made.run, r, made.deltas)
        cost = plain.costs(made)
        if self.share != 1.0:
            cost = self.share * cost
        if s is not None:
            cost = m * one * s * cost
        if data.alpha is not None:
            strength = data.alpha * one
            gradient = on_weights(lambda g, w: g + strength * w, gradient, state.parameters)
            cost = cost + 0.5 * strength * _squares(state.parameters)
        moved = counted(plain.moved(state, gradient, made.layers))
        return moved._replace(metrics=Metrics(state.metrics.cost + cost, None))


def _inverse(s: Array) -> Array:
    """1 / S, shape (1,); 0 if all weights are 0, so that the batch changes nothing."""
    xp = namespace(s)
    total = xp.sum(s[None, ...], axis=-1)
    none = xp.astype(total == 0.0, s.dtype)
    return (1.0 - none) / (total + none)


def _squares(parameters: Parameters) -> Array:
    """‖w‖² over all weights, shape (1,): over one axis at a time, which engines fuse."""
    xp = namespace(parameters.like)
    columns = (xp.sum(w * w, axis=-2, keepdims=True) for w in parameters.w)
    return reduce(add, (xp.sum(each, axis=-1) for each in columns))
