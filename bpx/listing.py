"""A training step as a program, to be read and counted."""

from bpx.arguments import whole
from bpx.backend import namespace
from bpx.boundary import Accuracy
from bpx.optimizers import Optimizer
from bpx.program import Program
from bpx.recording import record
from bpx.spec import Parameters, Spec
from bpx.step import Data, State, TrainingStep, zero_metrics

__all__ = ["program"]


def program(
    spec: Spec, parameters: Parameters, batch_size: int, optimizer: Optimizer, lmbda: float
) -> Program:
    """What one step does to mini-batches of labels, or, of one output, of numbers."""
    batch = whole("batch_size", batch_size, 1, None, "a whole number of at least 1")
    like = parameters.b[0]
    xp, device = namespace(like), getattr(like, "device", None)
    accuracy: Accuracy = "argmax"
    if spec.sizes[-1] == 1:
        accuracy = "threshold" if spec.output.name == "sigmoid" else None
    x = xp.zeros((batch, spec.sizes[0]), dtype=like.dtype, device=device)
    rows = xp.zeros((batch,), dtype=xp.int32, device=device)
    state = State(
        parameters,
        optimizer.init(parameters),
        like[:1] if lmbda else None,
        zero_metrics(like, batch, accuracy),
    )
    data = Data(x, rows if spec.sizes[-1] > 1 else x[:, 0])
    return record(TrainingStep(spec, optimizer.update, accuracy), state, data, rows)
