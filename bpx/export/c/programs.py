"""The programs that C runs: the answers to some samples, and one training step."""

from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

from bpx.arrays.registry import namespace
from bpx.arrays.transfer import to_host
from bpx.errors import InputError
from bpx.export.c.own_parts import named
from bpx.model.parameters import Parameters
from bpx.model.passes import learned
from bpx.model.run import saved
from bpx.model.spec import Spec
from bpx.optim.chain import Optimizer, check_optimizer
from bpx.optim.chained import averages
from bpx.optim.limits import penalised
from bpx.optim.scheduled import watching
from bpx.program.operation import DType, dtype_of
from bpx.program.program import Program
from bpx.program.record import record
from bpx.training.accumulated import check_enough
from bpx.training.start import first_state
from bpx.training.step import Data, Metrics, State, TrainingStep, counted

__all__ = ["Recorded", "Rule", "Targets", "inference", "on_host", "training"]

Targets = Literal["labels", "numbers"]
_ROWS = "int32"


class _Outputs(NamedTuple):
    y: Any


class _Samples(NamedTuple):
    parameters: Parameters
    x: Any


@dataclass(frozen=True)
class _Alike:
    """What a recording reads of an array."""

    shape: tuple[int, ...]
    dtype: DType


class Rule(NamedTuple):
    """What a training step does.

    Attributes
    ----------
    optimizer : Optimizer
    penalty : float
    seed : int
        The seed of random layers.
    targets : {"labels", "numbers"}
    """

    optimizer: Optimizer
    penalty: float
    seed: int
    targets: Targets


class Recorded(NamedTuple):
    """A recorded training step, and the state before the first one, on the host."""

    program: Program
    state: State
    rule: Optimizer


def on_host(parameters: Parameters) -> Parameters:
    """Return the same parameters as host arrays."""
    arrays = (None if x is None else to_host(x) for _, x in parameters.branches())
    return parameters.grown(list(arrays))


def inference(spec: Spec, parameters: Parameters, n: int) -> Program:
    """Record the outputs a^L of n samples.

    Raises
    ------
    RecordingError
        If a part uses an operation that cannot be recorded.
    """
    dtype = parameters.like.dtype.name
    y, x = (_alike((n, k), dtype) for k in (spec.sizes[-1], spec.sizes[0]))
    answer, samples = partial(_answer, spec), _Samples(parameters, x)
    with named(spec):
        return record(answer, _Outputs(y), samples, _alike((n,), _ROWS))


def _alike(shape: tuple[int, ...], dtype: str) -> Any:
    return _Alike(shape, dtype_of(dtype))


def _answer(spec: Spec, outputs: _Outputs, samples: _Samples, rows: Any) -> _Outputs:
    return _Outputs(saved(spec, samples.parameters, samples.x)[-1].a)


def training(
    spec: Spec, parameters: Parameters, feedback: tuple[Any, ...], n: int, given: Rule
) -> Recorded:
    """Record one training step on n samples: that of a `bpx.Trainer`.

    Raises
    ------
    InputError
        If a layer needs more samples, or the optimizer does more than C can hold.
    RecordingError
        If a part uses an operation that cannot be recorded.
    """
    _check(given.optimizer)
    check_enough(spec, n)
    rule = penalised(given.optimizer, given.penalty)
    dtype, k = parameters.like.dtype.name, spec.sizes[-1]
    state = first_state(spec, parameters, feedback, rule, given.seed)
    state = state._replace(metrics=Metrics(_alike((1,), dtype), None))
    numbers = _alike((n,) if k == 1 else (n, k), dtype)
    rows = _alike((n,), _ROWS)
    x = _alike((n, spec.sizes[0]), dtype)
    data = Data(x, rows if given.targets == "labels" else numbers)
    step = TrainingStep(spec, rule.update, None)
    with named(spec):
        return Recorded(record(partial(_step, step, n), state, data, rows), state, rule)


def _step(step: TrainingStep, n: int, state: State, data: Data, rows: Any) -> State:
    """The training step on all rows of its data; its metrics are the mean cost."""
    made = step.passes(state, data.x, data.y)
    gradient = learned(made.run, 1.0 / n, made.deltas)
    moved = counted(step.moved(state, gradient, made.layers))
    costs = step.costs(made)
    mean = namespace(costs).sum(costs, axis=-1, keepdims=True) / n
    return moved._replace(metrics=Metrics(mean, None))


def _check(optimizer: Any) -> None:
    """Refuse what happens between the steps, where C has nothing."""
    check_optimizer(optimizer)
    if watching(optimizer):
        raise InputError(
            "reduce_on_plateau was given, but the training step in C has no epochs whose cost "
            "it could follow; give a number as the learning rate, and set it between the steps"
        )
    if averages(optimizer.update):
        raise InputError(
            f"optimizer={optimizer!r} averages the weights beside the steps, which the step in "
            "C does not; give one without averages, such as bpx.Adam()"
        )
