"""How well a network can learn: the sizes of errors and steps, and the outputs' responses.

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
    """Compute the mean over the samples of ‖delta^l_x‖, by layer.

    Parameters
    ----------
    trace : Trace
        A trace of `bpx.backprop`.

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
    """Compute ‖dC/db^l‖ = ‖(1/n) sum_x delta^l_x‖, by layer.

    Parameters
    ----------
    trace : Trace
        A trace of `bpx.backprop`; its row weights are not used.

    Returns
    -------
    array, shape (L,)

    Raises
    ------
    InputError
        If the trace has no deltas, or is of several networks.

    Notes
    -----
    The book's chapter 5 calls this the speed of learning of a layer.

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
    """How the outputs respond to the samples of their own class.

    Attributes
    ----------
    recall : array, shape (k_L,)
        The fraction of the samples of class j whose largest output is j.
    passed : array, shape (k_L,)
        ``sum |delta^L_j| / sum |a^L_j − 1|`` over the samples of class j: the fraction of its
        error that output j sends back. If this is near 0 and recall is 0, it never learns.
    """

    recall: Array
    passed: Array


@takes_network()
def output_response(spec: Spec, trace: WithDeltas, y: Array) -> Response:
    """Measure each output's response to the samples of its own class.

    Parameters
    ----------
    spec : Spec
        The network's spec.
    trace : Trace
        A trace of `bpx.backprop`.
    y : array, shape (n,) or (n, k_L)
        The labels, or one-hot rows.

    Returns
    -------
    Response
        NaN for a class without samples.

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
    """Compute ‖Δw^l‖ / ‖w^l‖ of a step, by layer; about 0.001 is usual.

    Parameters
    ----------
    before, after : Parameters
        The network's parameters before and after one or several steps.

    Returns
    -------
    array, shape (L,)
        Infinite for weights that were all 0 and have changed.

    Raises
    ------
    InputError
        If one of them has several networks.
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
    """Divide, and return `otherwise` where `whole` is 0."""
    xp = namespace(whole)
    some = whole > 0.0
    ratio = part / xp.where(some, whole, xp.ones_like(whole))
    return xp.where(some, ratio, xp.full_like(whole, otherwise))
