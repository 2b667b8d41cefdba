"""How far another rule than BP2 leads away from the gradient: angles and norms, by layer.

A rule that sends back something else than (w^{l+1})^T delta^{l+1} gives a direction that is not
the cost's gradient. A step along it still lowers the cost, to first order, where the angle
between the two is below 90 degrees; that training brings the weights to where it is, is what
feedback alignment is named for (Lillicrap et al. 2016).
"""

from functools import reduce
from itertools import accumulate
from math import nan, pi
from operator import add, sub
from typing import NamedTuple

from bpx._typing import Array
from bpx.arrays.registry import namespace
from bpx.errors import InputError
from bpx.inspect.given import takes_network
from bpx.inspect.requirements import check_given, check_network
from bpx.inspect.samples.gradients import errors
from bpx.model.expected import check_home
from bpx.model.parameters import Gradients, Parameters, dense
from bpx.model.passes import gradients, sent_back
from bpx.model.run import Run
from bpx.model.spec import Spec, check_feedback
from bpx.model.trace import Trace, WithDeltas

__all__ = ["Alignment", "gradient_alignment", "matrix_alignment"]


class Alignment(NamedTuple):
    """How two arrays, or groups of arrays, lie to each other: one number for each layer.

    Attributes
    ----------
    angle : array
        In degrees, 0 to 180; NaN where one of the two is 0.
    ratio : array
        The norm of the rule's over that of the true one; NaN where the true one is 0.
    """

    angle: Array
    ratio: Array


@takes_network()
def gradient_alignment(spec: Spec, parameters: Parameters, trace: WithDeltas) -> Alignment:
    """What the rule gives for each layer's gradient, against the gradient of the cost.

    The true one goes back from the same delta^L through the transpose. At the output layer,
    to which nothing is sent back, the two are one: the angle is 0.

    Parameters
    ----------
    spec, parameters
        The network's.
    trace : Trace
        Of `Network.backprop`, n samples, which weigh the same. For a rule that has `gradients`
        of its own, those of the trace are compared.

    Returns
    -------
    Alignment
        Of shape (L,), in the dtype of the network: element l - 1 is of w^l and b^l together.

    Raises
    ------
    InputError
        If the trace has no deltas, or it or the parameters are of another network or of
        several.
    MixedArraysError
        If it is of another library, device or dtype than the parameters.

    Examples
    --------
    >>> import numpy as np
    >>> net = bpx.Network([3, 4, 2], feedback="fa", seed=0, dtype="float64")
    >>> trace = net.backprop(np.ones((5, 3)), np.array([0, 1, 0, 1, 1]))
    >>> bpx.inspect.gradient_alignment(net.spec, net.parameters, trace).angle.shape
    (2,)
    """
    check_given(spec, parameters, trace)
    check_home(parameters.w[0], "trace.a[0]", trace.a[0], integers=False)
    r, output = 1.0 / trace.a[0].shape[0], errors(trace)[-1]
    true = sent_back(Run(spec.by_transpose(), parameters, trace.layers), output)
    given, expected = _by_the_rule(spec, trace, r), gradients(r, trace.layers, true)
    pairs = zip(dense(given.layers), dense(expected.layers), strict=True)
    return _stacked([_aligned(*pair) for pair in pairs])


@takes_network()
def matrix_alignment(
    spec: Spec, parameters: Parameters, feedback: tuple[Array, ...] = ()
) -> Alignment:
    """The matrix that sends each hidden layer its error, against the one that BP2 has there.

    That is w^{l+1}; for a direct rule the product w^L ⋯ w^{l+1}, which BP2 would come to if the
    layers between were linear.

    Parameters
    ----------
    spec, parameters, feedback
        The network's. Of a rule that draws anew at each step, it is the next step's matrix.

    Returns
    -------
    Alignment
        Of shape (L - 1,): element l - 1 is of the hidden layer l.

    Raises
    ------
    InputError
        If the rule is a function without a matrix, naming the layer; if there is no hidden
        layer; if the parameters are of another network or of several; or if the arrays are
        not those that the rule asks for.
    """
    check_network(spec, parameters)
    _check_matrix(spec)
    check_feedback(spec, feedback)
    pairs = zip(_matrices(spec, parameters, feedback), _expected(spec, parameters), strict=True)
    return _stacked([_aligned((given,), (true,)) for given, true in pairs])


def _by_the_rule(spec: Spec, trace: WithDeltas, r: float) -> Gradients:
    if spec.feedback.gradients is None:
        return gradients(r, trace.layers, errors(trace))
    if not isinstance(trace, Trace):
        raise InputError(
            f"a {type(trace).__name__} was given, which has no gradients, and the feedback "
            f"{spec.feedback.name!r} replaces BP3 and BP4; expected the trace of "
            "net.backprop(x, y)"
        )
    return trace.gradients


def _check_matrix(spec: Spec) -> None:
    if len(spec.dense) == 1:
        raise InputError(
            "the network has one layer, to which nothing is sent back; expected a hidden layer"
        )
    if spec.feedback.matrix is None:
        raise InputError(
            f"layer 1 gets its error by {spec.feedback.name!r}, a function without a matrix "
            "that could be held against w^2; gradient_alignment asks for none"
        )


def _matrices(spec: Spec, parameters: Parameters, feedback: tuple[Array, ...]) -> list[Array]:
    matrix, depth = spec.feedback.matrix, len(spec.dense)
    assert matrix is not None  # as was checked
    drawn = feedback or (None,) * (depth - 1)
    return [matrix(parameters.w[i + 1 :], B) for i, B in enumerate(drawn)]


def _expected(spec: Spec, parameters: Parameters) -> list[Array]:
    if not spec.feedback.direct:
        return list(parameters.w[1:])
    downwards = accumulate(reversed(parameters.w[1:]), lambda product, w: product @ w)
    return list(downwards)[::-1]


def _stacked(layers: list[tuple[Array, Array]]) -> Alignment:
    angles, ratios = zip(*layers, strict=True)
    xp = namespace(angles[0])
    return Alignment(xp.stack(angles), xp.stack(ratios))


def _aligned(given: tuple[Array, ...], true: tuple[Array, ...]) -> tuple[Array, Array]:
    """The angle and the ratio of two groups of arrays, each as one long vector."""
    norm, norm_true = _norm(given), _norm(true)
    xp = namespace(norm)
    undefined = xp.full_like(norm, nan)
    ratio = xp.where(norm_true > 0.0, norm / _positive(norm_true), undefined)
    # Of the unit vectors u and v it is 2 atan2(‖u − v‖, ‖u + v‖), which, unlike the arc cosine
    # of their product, is exact near 0 (W. Kahan).
    u, v = _over(given, norm), _over(true, norm_true)
    apart, along = _norm(tuple(map(sub, u, v))), _norm(tuple(map(add, u, v)))
    angle = (360.0 / pi) * xp.atan2(apart, along)
    both = xp.logical_and(norm > 0.0, norm_true > 0.0)
    return xp.where(both, angle, undefined), ratio


def _norm(parts: tuple[Array, ...]) -> Array:
    """The norm, by the largest element: the squares of what vanishes would be 0."""
    xp = namespace(parts[0])
    largest = reduce(xp.maximum, [xp.max(xp.abs(part)) for part in parts])
    scale = _positive(largest)
    return scale * xp.sqrt(reduce(add, [xp.sum((part / scale) ** 2) for part in parts]))


def _over(parts: tuple[Array, ...], norm: Array) -> tuple[Array, ...]:
    return tuple(part / _positive(norm) for part in parts)


def _positive(x: Array) -> Array:
    """A number that may be divided by: 1 in place of 0."""
    xp = namespace(x)
    positive: Array = xp.where(x > 0.0, x, xp.ones_like(x))
    return positive
