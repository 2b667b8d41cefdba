"""The training step: one pure function of arrays, with its seams named.

forward → BP1 → BP2 → row weights → BP3, BP4 → penalty → update. The book's five steps,
and the two sums that an Epoch reports.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from bpx._typing import Array
from bpx.arrays.registry import namespace
from bpx.model.metrics import Accuracy, hits
from bpx.model.passes import as_targets, backward, gradients, zs_and_activations
from bpx.model.spec import Gradients, Parameters, Spec
from bpx.optim.rules import Update

Group = TypeVar("Group", Parameters, Gradients)

__all__ = [
    "Data",
    "Metrics",
    "Passed",
    "State",
    "TrainingStep",
    "add",
    "joined",
    "zero_metrics",
]


class Data(NamedTuple):
    """What every step reads: x of shape (n, k_0), and y, (n,) or (n, k_L)."""

    x: Array
    y: Array


class Metrics(NamedTuple):
    """Running sums over the batches, one for each row of a batch, shape (batch,).

    Attributes
    ----------
    cost : array
        The sum of C_x. Once it is not finite it stays so: that is the flag of divergence.
    hits : array or None
        How many answers were right; None where accuracy has no meaning.
    """

    cost: Array
    hits: Array | None


class State(NamedTuple):
    """All that changes from step to step.

    Attributes
    ----------
    parameters : Parameters
    optimizer : tree of arrays
        What the optimizer's `init` made.
    decay : array, shape (1,), or None
        lmbda / n_train; None without a penalty.
    metrics : Metrics
    feedback : tuple of arrays
        What the spec's feedback has drawn.
    extra : tree of arrays or None
        What another step than `TrainingStep` keeps besides: see `Batches.start`.
    """

    parameters: Parameters
    optimizer: Any
    decay: Array | None
    metrics: Metrics
    feedback: tuple[Array, ...] = ()
    extra: Any = None


class Passed(NamedTuple):
    """What the two passes made of a mini-batch: its labels and targets, z, a and delta."""

    labels: Array
    y: Array
    z: tuple[Array, ...]
    a: tuple[Array, ...]
    delta: tuple[Array, ...]


@dataclass(frozen=True)
class TrainingStep:
    """``step(state, data, rows) -> state`` for the mini-batch that `rows` picks from `data`.

    Equal steps have equal hashes, so that an engine compiles them once.
    """

    spec: Spec
    update: Update
    accuracy: Accuracy
    precision: str = "float32"  # of the products: the engine's to see to

    def __call__(self, state: State, data: Data, rows: Array) -> State:
        """Train on one mini-batch."""
        passed = self.passed(state, *self.picked(data, rows))
        moved = self.moved(state, gradients(1.0 / rows.shape[0], passed.delta, passed.a))
        metrics = Metrics(
            state.metrics.cost + self.costs(passed), add(state.metrics.hits, self.hits(passed))
        )
        return moved._replace(metrics=metrics)

    def picked(self, data: Data, rows: Array) -> tuple[Array, Array]:
        """The mini-batch: x, and y as it is in the data."""
        xp = namespace(data.x)
        return xp.take(data.x, rows, axis=0), xp.take(data.y, rows, axis=0)

    def passed(self, state: State, x: Array, labels: Array) -> Passed:
        """Forward, BP1 and BP2."""
        y = as_targets(self.spec, labels, x)
        z, a = zs_and_activations(self.spec, state.parameters, x)
        delta = backward(self.spec, state.parameters, z, a, y, state.feedback)
        return Passed(labels, y, z, a, delta)

    def moved(self, state: State, gradient: Gradients) -> State:
        """The state after an update by the gradient and the penalty."""
        gradient = joined(self.spec, gradient, gradient.w[1:])
        entered = joined(self.spec, state.parameters, state.feedback)
        gradient = _penalised(gradient, state.decay, entered)
        moved, optimizer = self.update(gradient, state.optimizer, entered)
        parameters, feedback = _parted(self.spec, moved, state.feedback)
        return state._replace(parameters=parameters, optimizer=optimizer, feedback=feedback)

    def costs(self, passed: Passed) -> Array:
        """C_x of each sample."""
        return self.spec.cost.evaluate(self.spec.output, passed.z[-1], passed.a[-1], passed.y)

    def hits(self, passed: Passed) -> Array | None:
        """Of each sample, whether it is answered rightly: see `hits`."""
        return hits(self.accuracy, passed.a[-1], passed.labels)


def zero_metrics(like: Array, batch: int, accuracy: Accuracy) -> Metrics:
    """Sums of zero, shape (batch,), of the dtype and on the device of `like`."""
    xp = namespace(like)
    zeros = xp.zeros((batch,), dtype=like.dtype, device=getattr(like, "device", None))
    return Metrics(zeros, zeros if accuracy else None)


def add(total: Array | None, more: Array | None) -> Array | None:
    """The sum of two of the metrics; None where accuracy has no meaning."""
    return None if total is None or more is None else total + more


def _penalised(gradient: Gradients, decay: Array | None, parameters: Parameters) -> Gradients:
    """BP4 with the L2 penalty's lmbda/n_train w; the biases are left out."""
    if decay is None:
        return gradient
    return gradient._replace(
        w=tuple(g + decay * w for g, w in zip(gradient.w, parameters.w, strict=True))
    )


def joined(spec: Spec, group: Group, arrays: tuple[Array, ...]) -> Group:
    """What the optimizer moves: w and b and, behind the w, each B that the feedback learns.

    As B^l has the shape of w^{l+1}, so has its gradient: it is that of w^{l+1}.
    """
    if not spec.feedback.learns:
        return group
    return type(group)((*group.w, *arrays), group.b)


def _parted(
    spec: Spec, moved: Parameters, arrays: tuple[Array, ...]
) -> tuple[Parameters, tuple[Array, ...]]:
    """The parameters after a step, and the feedback's arrays."""
    if not spec.feedback.learns:
        return moved, spec.feedback.after_a_step(arrays)
    depth = len(spec.layers)
    return Parameters(moved.w[:depth], moved.b), moved.w[depth:]
