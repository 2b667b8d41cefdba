"""A training step as a program, to be read and counted."""

from dataclasses import dataclass
from typing import Any

from bpx._typing import Array
from bpx._validate import whole
from bpx.model.metrics import Accuracy
from bpx.model.parameters import Parameters
from bpx.model.spec import Spec
from bpx.optim.chain import Optimizer, check_optimizer, initial
from bpx.optim.limits import penalised
from bpx.program.operation import dtype_of
from bpx.program.program import Program
from bpx.program.record import record
from bpx.training.step import Data, Metrics, State, TrainingStep, joined

__all__ = ["program"]


def program(
    spec: Spec,
    parameters: Parameters,
    feedback: tuple[Array, ...],
    batch_size: int,
    optimizer: Optimizer,
    lmbda: float,
) -> Program:
    """What one step does to mini-batches of labels, or, of one output, of numbers."""
    check_optimizer(optimizer)
    batch = whole("batch_size", batch_size, 1, None, "a whole number of at least 1")
    like = parameters.b[0]
    rows: Any = _Alike((batch,), dtype_of("int32"))
    each: Any = _Alike((batch,), like.dtype)
    x: Any = _Alike((batch, spec.sizes[0]), like.dtype)
    accuracy: Accuracy = "argmax"
    if spec.sizes[-1] == 1:
        accuracy = "threshold" if spec.output.name == "sigmoid" else None
    state = State(
        parameters,
        initial(penalised(optimizer, lmbda), joined(spec, parameters, feedback)),
        Metrics(each, each if accuracy else None),
        feedback,
    )
    data = Data(x, rows if spec.sizes[-1] > 1 else each)
    return record(
        TrainingStep(spec, penalised(optimizer, lmbda).update, accuracy), state, data, rows
    )


@dataclass(frozen=True)
class _Alike:
    """What a recording reads of an array."""

    shape: tuple[int, ...]
    dtype: Any
