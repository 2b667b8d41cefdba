"""The state before the first step, and one step as a program to read and count."""

from dataclasses import dataclass
from typing import Any

from bpx._typing import Array
from bpx._validate import number, whole
from bpx.arrays.registry import namespace
from bpx.model.metrics import Accuracy, single_rule
from bpx.model.parameters import Parameters
from bpx.model.run import Randomness
from bpx.model.spec import Spec
from bpx.model.stacks import are_several
from bpx.optim.chain import Optimizer, check_optimizer, initial
from bpx.optim.limits import penalised
from bpx.optim.scheduled import lasting
from bpx.optim.trees import first
from bpx.program.operation import dtype_of
from bpx.program.program import Program
from bpx.program.record import record
from bpx.random import fold_in, key_words
from bpx.training.loss_scale import first_scale
from bpx.training.several import check_networks_apart
from bpx.training.step import Data, Metrics, State, TrainingStep, joined

__all__ = ["first_state", "program"]


def first_state(
    spec: Spec,
    parameters: Parameters,
    feedback: tuple[Array, ...],
    optimizer: Optimizer,
    seed: int = 0,
    *,
    loss_scale: bool = False,
) -> State:
    """Return the state before the first step. The caller must still set its metrics to zeros.

    Parameters
    ----------
    spec, parameters, feedback, optimizer
        The optimizer has its penalty in front: see `penalised`.
    seed : int
        The seed of random layers.
    loss_scale : bool, optional
        Whether the step has a loss scale.

    Raises
    ------
    InputError
        If the optimizer's initial state is not a tree of arrays, or if the parameters belong
        to several networks and a part or the optimizer mixes these.
    """
    if are_several(parameters):
        check_networks_apart(spec, optimizer)
    return State(
        parameters,
        initial(optimizer, joined(spec, parameters, feedback)),
        Metrics(first(parameters), None),
        feedback,
        randomness=_randomness(spec, first(parameters), seed),
        loss_scale=first_scale(parameters) if loss_scale else None,
    )


def _randomness(spec: Spec, like: Array, seed: int) -> Randomness | None:
    """A key for each random layer, by its place; None if there are none."""
    if not any(layer.draws for layer in spec.layers):
        return None
    key = _words(key_words(seed), like)
    keys = (fold_in(key, i) if layer.draws else None for i, layer in enumerate(spec.layers))
    return Randomness(tuple(keys), _words((0,), like))


def _words(numbers: tuple[int, ...], like: Array) -> Array:
    xp = namespace(like)
    words: Array = xp.asarray(numbers, dtype=xp.int32, device=getattr(like, "device", None))
    return words


def program(
    spec: Spec,
    parameters: Parameters,
    feedback: tuple[Array, ...],
    batch_size: int,
    optimizer: Optimizer,
    lmbda: float,
) -> Program:
    """Record one step on mini-batches of labels or, with one output, of numbers."""
    check_optimizer(optimizer)
    batch = whole("batch_size", batch_size, 1, None, "a whole number of at least 1")
    lmbda = number("lmbda", lmbda, "a number of at least 0", lambda v: v >= 0.0)
    like = parameters.like
    rows: Any = _Alike((batch,), dtype_of("int32"))
    each: Any = _Alike((batch,), like.dtype)
    x: Any = _Alike((batch, spec.sizes[0]), like.dtype)
    accuracy: Accuracy = "argmax"
    if spec.sizes[-1] == 1:
        accuracy = single_rule(spec)
    rule = penalised(optimizer, lmbda)
    state = first_state(spec, parameters, feedback, lasting(rule, None))
    state = state._replace(metrics=Metrics(each, each if accuracy else None))
    data = Data(x, rows if spec.sizes[-1] > 1 else each)
    return record(TrainingStep(spec, rule.update, accuracy), state, data, rows)


@dataclass(frozen=True)
class _Alike:
    """The attributes of an array that a recording reads."""

    shape: tuple[int, ...]
    dtype: Any
