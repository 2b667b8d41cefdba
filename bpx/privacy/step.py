"""The step of private training: exact clipping, a sum over physical batches, and noise.

Poisson sampling draws logical batches of varying sizes. Each is computed in physical batches of
one size, padded with rows of -1, which have no weight. Most logical batches fit into one; if
not, all physical batches but the last are only added up.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from bpx._typing import Array
from bpx.arrays.registry import namespace
from bpx.inspect.samples.gradients import squared_layer_norms
from bpx.model.parameters import Gradients
from bpx.model.trace import Backward
from bpx.optim.trees import mapped
from bpx.privacy.clipping import columns, weighted
from bpx.training.around import Around
from bpx.training.step import Data, Metrics, Passes, State, TrainingStep, add, counted

__all__ = ["NoisyData", "PrivateState", "PrivateStep"]


class NoisyData(NamedTuple):
    """The data of private steps: the samples, and the noise of some steps.

    Attributes
    ----------
    x, y : arrays
        As in `bpx.training.step.Data`.
    noise : Gradients
        The scaled noise: for a parameter of p numbers, an array of shape (steps, p).
    """

    x: Array
    y: Array
    noise: Gradients


class PrivateState(NamedTuple):
    """The additional state of private training.

    Attributes
    ----------
    clips : tuple of one or L arrays, shape (1,)
    share : array, shape (1,)
        1 / the expected size of a logical batch.
    summed : Gradients
        The sum over the earlier physical batches of this logical batch.
    """

    clips: tuple[Array, ...]
    share: Array
    summed: Gradients


@dataclass(frozen=True)
class PrivateStep(Around):
    """``step(state, data, rows) -> state`` for one physical batch.

    `rows` holds the indices of its samples, -1 for padding and, last, the index of its noise.

    Attributes
    ----------
    plain : TrainingStep
    last : bool
        Whether the logical batch ends here, so that noise is added and the weights are updated.
    """

    plain: TrainingStep
    last: bool
    fills: ClassVar[bool] = True  # mini-batches, by rows of -1

    def __call__(self, state: State, data: NoisyData, rows: Array) -> State:
        """Clip and sum; at the end of the logical batch, update the weights."""
        made = self.plain.passes(state, *self.picked(data, rows))
        present = namespace(data.x).astype(rows[:-1] >= 0, state.parameters.like.dtype)
        summed = self._summed(state.extra, made, present)
        state = counted(state)._replace(metrics=self._measured(state.metrics, made, present))
        if self.last:
            state = self.plain.moved(state, mapped(_with_noise(rows[-1:]), summed, data.noise))
            summed = mapped(namespace(data.x).zeros_like, summed)
        return state._replace(extra=state.extra._replace(summed=summed))

    def picked(self, data: NoisyData, rows: Array) -> tuple[Array, Array]:
        """Return the batch, x and y as in the data; padding repeats the first sample."""
        return self.plain.picked(Data(data.x, data.y), namespace(rows).maximum(rows[:-1], 0))

    def _summed(self, private: PrivateState, made: Passes, present: Array) -> Gradients:
        """Add this batch to the sum: sum_x min(1, clip / ‖grad_x‖) grad_x / expected."""
        squares = squared_layer_norms(Backward(made.layers, made.deltas))
        weight = (private.share * present)[..., None]
        r = [weight * factor for factor in columns(squares, private.clips)]
        return mapped(_plus, private.summed, weighted(r, made.layers, made.deltas))

    def _measured(self, metrics: Metrics, made: Passes, present: Array) -> Metrics:
        right = self.plain.hits(made)
        return Metrics(
            metrics.cost + present * self.plain.costs(made),
            add(metrics.hits, None if right is None else present * right),
        )


def _with_noise(place: Array) -> Callable[[Array, Array], Array]:
    def noisy(summed: Array, noise: Array) -> Array:
        xp = namespace(summed)
        return summed + xp.reshape(xp.take(noise, place, axis=0), summed.shape)

    return noisy


def _plus(a: Array, b: Array) -> Array:
    return a + b
