"""The training step: one pure function of arrays, made of named parts.

forward → BP1 → BP2 → row weights → BP3, BP4 → update: the book's five steps, and the two sums
that an `Epoch` reports.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, TypeVar

from bpx._hashes import kept_hash, without_hash
from bpx._typing import Array
from bpx.arrays.registry import namespace
from bpx.errors import MixedArraysError
from bpx.model.averages import averaged, learnable
from bpx.model.expected import as_inputs, as_targets
from bpx.model.metrics import Accuracy, answers, hits
from bpx.model.parameters import Gradients, Parameters
from bpx.model.passes import backward, learned
from bpx.model.run import Randomness, Run, costs, in_training, layer_by_layer
from bpx.model.spec import Spec
from bpx.model.weights import weighed
from bpx.optim.chained import Update
from bpx.optim.trees import mapped
from bpx.program.contract import form, leaves, named_leaves
from bpx.program.marks import equation, symbols
from bpx.training.restraints import constrained, constrains, penalised

Group = TypeVar("Group", Parameters, Gradients)

__all__ = [
    "Data",
    "Metrics",
    "Passes",
    "State",
    "TrainingStep",
    "add",
    "added",
    "counted",
    "joined",
    "parted",
    "zero_metrics",
]


class Data(NamedTuple):
    """The samples that every step reads.

    Attributes
    ----------
    x : array, shape (n, k_0)
        It has the parameters' dtype, or bool, int8 or uint8; each mini-batch is then cast.
    y : array, shape (n,) or (n, k_L)
    s : array, shape (n,), or None
        The weight of each sample, of the parameters' dtype; None if all count equally.
    """

    x: Array
    y: Array
    s: Array | None = None


class Metrics(NamedTuple):
    """Running sums over the batches, one for each row of a batch, shape (batch,).

    For K networks the shape is (K, batch).

    Attributes
    ----------
    cost : array
        The sum of C_x, or of s_x C_x. Once non-finite it stays so, which flags divergence.
    hits : array or None
        The number of right answers, each counted s_x times; None if there is no accuracy.
    weights : array or None
        The sum of s_x, the maximum of hits; None without weights or without hits.
    """

    cost: Array
    hits: Array | None
    weights: Array | None = None


class State(NamedTuple):
    """Everything that changes from step to step.

    Attributes
    ----------
    parameters : Parameters
    optimizer : tree of arrays
        The optimizer's state, which its `init` creates.
    metrics : Metrics
    feedback : tuple of arrays
        The arrays that the spec's feedback has drawn.
    extra : tree of arrays or None
        More values, for a step other than `TrainingStep`: see `Batches.start`.
    randomness : Randomness or None
        The keys of random layers, and the step counter; None if there are no such layers.
    loss_scale : LossScale or None, of float16 training
    """

    parameters: Parameters
    optimizer: Any
    metrics: Metrics
    feedback: tuple[Array, ...] = ()
    extra: Any = None
    randomness: Randomness | None = None
    loss_scale: Any = None


class Passes(NamedTuple):
    """The results of the two passes over a mini-batch.

    Attributes
    ----------
    labels : array
        The targets in the form that `hits` takes.
    run : Run
        The forward pass; its y holds the targets as numbers, shape (n, k_L).
    deltas : tuple of arrays
        The delta of each layer.
    """

    labels: Array
    run: Run
    deltas: tuple[Array, ...]

    @property
    def layers(self) -> tuple[Any, ...]:
        """The values that each layer saved."""
        return self.run.layers


@dataclass(frozen=True)
class TrainingStep:
    """``step(state, data, rows) -> state`` for the mini-batch that `rows` picks from `data`.

    Equal steps have equal hashes, so that an engine compiles them once.
    """

    spec: Spec
    update: Update
    accuracy: Accuracy
    precision: str = "float32"  # of the products; the engine applies it
    summed: bool = False  # whether the weights s are r of BP3 and BP4, rather than m r
    __hash__, __getstate__ = kept_hash, without_hash

    @property
    def constrains(self) -> bool:
        """Whether a layer changes its parameters after the update: see `contract.Rule`."""
        return constrains(self.spec)

    @symbols("s", "r")
    def __call__(self, state: State, data: Data, rows: Array) -> State:
        """Train on one mini-batch."""
        x, labels = self.picked(data, rows)
        s = self.weights(data, rows)
        r = self.row_weights(s, rows.shape[-1])
        made = self.passes(state, x, labels, None if s is None else r)
        gradient = learned(made.run, r, made.deltas)
        moved = counted(self.moved(state, gradient, made.layers))
        metrics = Metrics(
            state.metrics.cost + weighed(s, self.costs(made)),
            add(state.metrics.hits, weighed(s, self.hits(made))),
            add(state.metrics.weights, s),
        )
        return moved._replace(metrics=metrics)

    def picked(self, data: Data, rows: Array) -> tuple[Array, Array]:
        """The mini-batch, x and y as in the data; for rows (K, batch), K mini-batches."""
        return self._picked(data.x, rows), self._picked(data.y, rows)

    def weights(self, data: Data, rows: Array, first: int = 0) -> Array | None:
        """The s of these rows, from the place `first` on; None if all samples count equally."""
        return None if data.s is None else self._picked(data.s, rows)

    def row_weights(self, s: Array | None, m: int) -> Array | float:
        """The r of m samples: a column, s / m or, if `summed`, s; 1 / m without weights."""
        if s is None:
            return 1.0 / m
        return s[..., None] if self.summed else (1.0 / m) * s[..., None]

    def _picked(self, x: Array, rows: Array) -> Array:
        xp = namespace(x)
        if rows.ndim == 1:
            return xp.take(x, rows, axis=0)
        together = xp.take(x, xp.reshape(rows, (-1,)), axis=0)
        return xp.reshape(together, (*rows.shape, *x.shape[1:]))

    @symbols("x", "y", "labels")
    def passes(
        self, state: State, x: Array, labels: Array, r: Any = None, rows: Any = None
    ) -> Passes:
        """Run forward, BP1 and BP2, on x as it is in the data; r and `rows`: see `Context`."""
        x = as_inputs(x, state.parameters.like)
        y = as_targets(self.spec, labels, x)
        contexts = partial(in_training, state.randomness, r=r, rows=rows)
        layers = tuple(layer_by_layer(self.spec, state.parameters, x, contexts))
        run = Run(self.spec, state.parameters, layers, y, state.feedback, contexts)
        return Passes(answers(self.accuracy, x, labels), run, backward(run))

    @equation()
    def moved(self, state: State, gradient: Gradients, layers: tuple[Any, ...] = ()) -> State:
        """The state after an update by the gradient; `layers` are what the layers saved."""
        gradient = joined(self.spec, gradient, gradient.w[1:])
        entered = joined(self.spec, state.parameters, state.feedback)
        gradient = penalised(self.spec, gradient, entered)
        updates, optimizer = self.update(gradient, state.optimizer, entered)
        moved = constrained(self.spec, added(entered, updates))
        parameters, feedback = _after(self.spec, moved, state.feedback)
        parameters = averaged(self.spec, state.parameters, parameters, layers)
        return state._replace(parameters=parameters, optimizer=optimizer, feedback=feedback)

    def costs(self, made: Passes) -> Array:
        """C_x of each sample."""
        return costs(self.spec, made.layers[-1], made.run.y)

    def hits(self, made: Passes) -> Array | None:
        """Whether the answer to each sample is right: see `hits`."""
        return hits(self.accuracy, made.layers[-1].a, made.labels)


class Learned(NamedTuple):
    """A matrix B that a feedback learns, as the optimizer sees it."""

    B: Array


def zero_metrics(
    like: Array, batch: int, accuracy: Accuracy, weighted: bool = False
) -> Metrics:
    """Return zero sums, (batch,) or (K, batch), with the dtype and device of `like`, a w or b.

    `weighted` says whether the samples have weights.
    """
    xp, shape = namespace(like), (*like.shape[:-2], batch)
    zeros = xp.zeros(shape, dtype=like.dtype, device=getattr(like, "device", None))
    return Metrics(zeros, zeros if accuracy else None, zeros if accuracy and weighted else None)


def add(total: Array | None, more: Array | None) -> Array | None:
    """The sum of two of the metrics; None if there is no accuracy."""
    return None if total is None or more is None else total + more


def counted(state: State) -> State:
    """The state with one more step counted, if there are random layers."""
    if state.randomness is None:
        return state
    return state._replace(randomness=state.randomness.counted())


def added(parameters: Parameters, updates: Any) -> Parameters:
    """The parameters after a step: w + u. None stands for no updates."""
    if updates is None:
        return parameters
    if not isinstance(updates, Parameters) or _names(updates) != _names(parameters):
        raise MixedArraysError(
            f"one training step turned {form(parameters)} into updates {form(updates)}; a "
            "custom optimizer must return updates of that form: see bpx.optim.mapped"
        )
    for (place, w), u in zip(named_leaves(parameters), leaves(updates), strict=True):
        if getattr(u, "shape", None) != w.shape:
            given = f"shape {tuple(u.shape)}" if hasattr(u, "shape") else repr(u)
            raise MixedArraysError(
                f"the optimizer gave {given} as the update of {place}; expected an array of "
                f"shape {tuple(w.shape)}, which is added to it"
            )
    moved: Parameters = mapped(lambda w, u: w + u, parameters, updates)
    return moved


def _names(parameters: Parameters) -> list[str]:
    return [place for place, _ in parameters.branches()]


def joined(spec: Spec, group: Group, arrays: tuple[Array, ...]) -> Group:
    """The arrays that the optimizer updates: the layers', then each B that the feedback learns.

    B^l has the shape of w^{l+1}, and its gradient is that of w^{l+1}. Arrays that a layer
    averages and does not learn are None.
    """
    group = learnable(spec, group)
    if not spec.feedback.learns:
        return group
    return type(group)((*group.layers, *map(Learned, arrays)))


def parted(spec: Spec, group: Parameters) -> tuple[Parameters, tuple[Array, ...]]:
    """Split what `joined` put together, for a feedback that learns."""
    depth = len(spec.layers)
    return Parameters(group.layers[:depth]), tuple(each.B for each in group.layers[depth:])


def _after(
    spec: Spec, moved: Parameters, arrays: tuple[Array, ...]
) -> tuple[Parameters, tuple[Array, ...]]:
    """Split into the parameters after a step and the feedback's arrays."""
    if not spec.feedback.learns:
        return moved, spec.feedback.after_a_step(arrays)
    return parted(spec, moved)
