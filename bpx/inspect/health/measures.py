"""How well a network can learn: the sizes of its errors and steps, and how its outputs answer.

By BP2 the errors shrink or grow from layer to layer (M. Nielsen, "Neural Networks and Deep
Learning", 2015, chapter 5).
"""

from math import inf, nan
from typing import NamedTuple

from bpx._typing import A, Array
from bpx.arrays.registry import namespace
from bpx.equations import bp3
from bpx.errors import InputError
from bpx.inspect.given import takes_network
from bpx.inspect.samples.gradients import dense_errors
from bpx.inspect.single import check_single_parameters, check_single_targets
from bpx.model.expected import as_targets
from bpx.model.parameters import Parameters
from bpx.model.spec import Spec
from bpx.model.trace import WithDeltas

__all__ = [
    "Response",
    "error_norms",
    "learning_speeds",
    "output_response",
    "update_ratios",
]


@takes_network()
def error_norms(trace: WithDeltas) -> Array:
    """The mean over the samples of ‖delta^l_x‖, by layer.

    Parameters
    ----------
    trace : Trace
        Of `bpx.backprop`.

    Returns
    -------
    array, shape (L,)

    Raises
    ------
    InputError
        If the trace has no deltas, or is of several networks.
    """
    delta = dense_errors(trace)
    xp = namespace(delta[0])
    return xp.stack([xp.mean(xp.sqrt(xp.sum(d * d, axis=-1))) for d in delta])


@takes_network()
def learning_speeds(trace: WithDeltas) -> Array:
    """‖dC/db^l‖ = ‖(1/n) sum_x delta^l_x‖, by layer.

    Parameters
    ----------
    trace : Trace
        Of `bpx.backprop`; its row weights have no part in this.

    Returns
    -------
    array, shape (L,)

    Raises
    ------
    InputError
        If the trace has no deltas, or is of several networks.

    Notes
    -----
    What the book's chapter 5 calls the speed of learning of a layer.

    Examples
    --------
    >>> import numpy as np
    >>> net = bpx.Network([3, 30, 30, 30, 2], seed=0, dtype="float64")
    >>> trace = net.backprop(np.ones((5, 3)), np.array([0, 1, 0, 1, 1]))
    >>> speeds = bpx.inspect.learning_speeds(trace)
    >>> bool(speeds[0] < speeds[1] < speeds[2])
    True
    """
    delta = dense_errors(trace)
    return namespace(delta[0]).stack([_norm(bp3(1.0 / d.shape[0], d)) for d in delta])


class Response(NamedTuple):
    """How the outputs answer to the samples of their own class.

    Attributes
    ----------
    recall : array, shape (k_L,)
        The part of the samples of class j whose largest output is j.
    passed : array, shape (k_L,)
        ``sum |delta^L_j| / sum |a^L_j − 1|`` over the samples of class j: how much of its error
        output j sends back. Near 0, with a recall of 0, it never learns.
    """

    recall: Array
    passed: Array


@takes_network()
def output_response(spec: Spec, trace: WithDeltas, y: Array) -> Response:
    """What each output answers to the samples of its own class, and what it learns of them.

    Parameters
    ----------
    spec : Spec
        The network's.
    trace : Trace
        Of `bpx.backprop`.
    y : array, shape (n,) or (n, k_L)
        The labels, or one-hot rows.

    Returns
    -------
    Response
        NaN for a class that has no samples.

    Raises
    ------
    InputError
        If the trace has no deltas or is of several networks, y does not fit it, or the network
        has a single output.
    """
    delta, a = dense_errors(trace)[-1], trace.a[-1]
    xp, k = namespace(a), a.shape[1]
    if k == 1:
        raise InputError("the network has a single output; expected one for each class")
    check_single_targets(trace, y)
    own = as_targets(spec, y, a)
    outputs = xp.arange(k, dtype=xp.int32, device=getattr(a, "device", None))
    right = xp.astype(xp.argmax(a, axis=1)[:, None] == outputs, a.dtype)
    error = xp.sum(own * xp.abs(a - own), axis=0)
    return Response(
        recall=_ratio(xp.sum(own * right, axis=0), xp.sum(own, axis=0), nan),
        passed=_ratio(xp.sum(own * xp.abs(delta), axis=0), error, nan),
    )


def update_ratios(before: Parameters, after: Parameters) -> Array:
    """‖Δw^l‖ / ‖w^l‖ of a step, by layer; about 0.001 is usual.

    Parameters
    ----------
    before, after : Parameters
        Of the network before and after one step, or several.

    Returns
    -------
    array, shape (L,)
        Infinite where weights that were all 0 have moved.

    Raises
    ------
    InputError
        If one of them is of several networks.
    """
    check_single_parameters(before, "before")
    check_single_parameters(after, "after")
    xp = namespace(before.w[0])
    size = xp.stack([_norm(w) for w in before.w])
    moved = xp.stack([_norm(new - w) for w, new in zip(before.w, after.w, strict=True)])
    return xp.where(moved > 0.0, _ratio(moved, size, inf), xp.zeros_like(moved))


def _norm(x: Array) -> Array:
    xp = namespace(x)
    return xp.sqrt(xp.sum(x * x))


def _ratio(part: A, whole: A, otherwise: float) -> A:
    """part / whole, or `otherwise` where the whole is 0."""
    xp = namespace(whole)
    some = whole > 0.0
    ratio = part / xp.where(some, whole, xp.ones_like(whole))
    return xp.where(some, ratio, xp.full_like(whole, otherwise))
