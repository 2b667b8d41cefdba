"""Finding where training became non-finite: the epoch, the step and the first layer."""

from functools import reduce
from math import isfinite
from operator import add
from typing import Any, NamedTuple

from bpx._typing import Array
from bpx.arrays.host import total
from bpx.arrays.registry import compiled, namespace
from bpx.arrays.transfer import to_host
from bpx.errors import DivergenceError
from bpx.model.expected import as_inputs
from bpx.model.inputs import finite
from bpx.model.parameters import Parameters
from bpx.model.run import saved
from bpx.program.contract import Scan, index, leaves
from bpx.training.batches import BatchStep
from bpx.training.loss_scale import LEAST, LossScale
from bpx.training.parallel.agreement import ALONE, Agreement
from bpx.training.step import Metrics, State

__all__ = ["Replay", "check_parameters", "check_scale", "find_divergence"]

_KEPT = "the network keeps its weights from before that epoch"
_ADVICE = (
    f"{_KEPT}. A smaller eta, inputs scaled to about [0, 1], or an init that fits the "
    "activation often helps"
)


class Replay(NamedTuple):
    """A chunk to rerun, one step at a time, on the engine that ran it.

    Each step begins with the metrics `zero`.
    """

    scan: Scan
    step: BatchStep
    data: Any
    rows: Any
    zero: Metrics
    start: int
    stop: int
    agreement: Agreement = ALONE


def find_divergence(chunk: Replay, state: State, epoch: int, before: int) -> DivergenceError:
    """Return the error that says where the cost became non-finite.

    Parameters
    ----------
    chunk : Replay
        Steps after which the cost was not finite.
    state : State
        The state before the chunk.
    epoch, before : int
        The epoch, from 1, and the number of its steps before the first row of the chunk's
        index matrix.
    """
    state = state._replace(metrics=chunk.zero)
    for i in range(chunk.start, chunk.stop):
        after = chunk.scan(chunk.step, state, chunk.data, chunk.rows, i, i + 1)
        (cost,) = chunk.agreement.sums([total(to_host(after.metrics.cost))])
        if cost is None or not isfinite(cost):
            layer = chunk.agreement.least(_first_layer(chunk, state.parameters, i))
            where = f"epoch {epoch}, step {before + i + 1}"
            advice = _advice(chunk, state.parameters, i, first=before + i == 0)
            return DivergenceError(
                f"the cost became non-finite in {where}, first in layer {layer}; {advice}",
                epoch=epoch,
                step=before + i + 1,
                layer=layer,
            )
        state = after._replace(metrics=chunk.zero)  # each cost alone: sums overflow earlier
    return DivergenceError(
        f"the sum of the costs overflowed in epoch {epoch}; {_ADVICE}",
        epoch=epoch,
        step=None,
        layer=None,
    )


def _advice(chunk: Replay, parameters: Parameters, i: int, *, first: bool) -> str:
    """Return advice that does not blame eta for non-finite samples or initial weights."""
    x, y = chunk.step.picked(chunk.data, index(chunk.rows, i))
    if not (finite(x) and finite(y)):
        return (
            "the samples of that step contain NaN or infinity, but they were finite when "
            "training began: something wrote to memory that was marked read-only. "
            f"Train on a copy; {_KEPT}"
        )
    if first and not all(map(finite, leaves(parameters))):
        return (
            "the weights or biases were not finite before that epoch began: assign finite "
            "ones, or make a new network"
        )
    return _ADVICE


def check_parameters(parameters: Parameters, epoch: int) -> None:
    """Refuse to publish weights or biases that are not finite.

    Raises
    ------
    DivergenceError
        If some are not; the message names the first such layer. All costs may have been
        finite.
    """
    if bool(to_host(compiled(_finite_sum, 0, parameters.like)(parameters))):
        return
    look = compiled(_finite_layers, 0, parameters.like)  # a sum of finite numbers may overflow
    are_finite = to_host(look(parameters)).tolist()
    if not all(are_finite):
        having = [n for n, entry in enumerate(parameters.layers, 1) if entry]
        layer = having[are_finite.index(False)]
        raise DivergenceError(
            f"the weights were non-finite at the end of epoch {epoch}, first in layer {layer}; "
            f"{_ADVICE}",
            epoch=epoch,
            step=None,
            layer=layer,
        )


def check_scale(loss_scale: LossScale | None, epoch: int) -> None:
    """Refuse to go on with float16 if no loss scale makes the gradients finite.

    Raises
    ------
    DivergenceError
        If the scale has been halved so often that the deltas no longer matter.
    """
    if loss_scale is None or float(to_host(loss_scale.scale).min()) >= LEAST:
        return
    raise DivergenceError(
        f"the gradients were not finite at the end of epoch {epoch}, with any loss scale: the "
        f"steps were skipped; {_KEPT}. They may be finite in bfloat16 or float32",
        epoch=epoch,
        step=None,
        layer=None,
    )


def _finite_sum(parameters: Parameters) -> Array:
    """Whether the sum of all parameters is finite, which one pass over them tells: bool."""
    xp = namespace(parameters.like)
    return xp.isfinite(reduce(add, map(xp.sum, leaves(parameters))))


def _finite_layers(parameters: Parameters) -> Array:
    """Whether the parameters of each layer that has some are all finite: 1-d, bool."""
    xp = namespace(parameters.like)
    each = ([xp.all(xp.isfinite(x)) for x in leaves(entry)] for entry in parameters.layers)
    return xp.stack([reduce(xp.logical_and, finite) for finite in each if finite])


def _first_layer(chunk: Replay, parameters: Parameters, i: int) -> int:
    """The first layer with a non-finite z or a, or the output layer if there is none."""
    x, _ = chunk.step.picked(chunk.data, index(chunk.rows, i))
    layers = saved(chunk.step.spec, parameters, as_inputs(x, parameters.like))
    numbered = enumerate(layers, 1)
    wrong = (n for n, kept in numbered if not all(map(finite, leaves(kept))))
    return next(wrong, len(layers))
