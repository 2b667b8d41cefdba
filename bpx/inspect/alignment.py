"""How far a rule other than BP2 deviates from the gradient: angles and norms, by layer.

A rule that sends back anything but (w^{l+1})^T delta^{l+1} gives a direction that is not the
cost's gradient. A step along it still lowers the cost, to first order, if the angle between
the two is below 90 degrees. Training brings the weights there, which gives feedback alignment
its name (Lillicrap et al. 2016).
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
from bpx.program.contract import leaves

__all__ = ["Alignment", "gradient_alignment", "matrix_alignment"]


class Alignment(NamedTuple):
    """The angle and the ratio of norms of two arrays, or groups of arrays, for each layer.

    Attributes
    ----------
    angle : array
        The angle in degrees, 0 to 180; NaN if one of the two is 0.
    ratio : array
        The norm of the rule's array over that of the true one; NaN if the true one is 0.
    """

    angle: Array
    ratio: Array


@takes_network()
def gradient_alignment(spec: Spec, parameters: Parameters, trace: WithDeltas) -> Alignment:
    """Compare the rule's gradient of each layer with the gradient of the cost.

    The true gradient sends the same delta^L back through the transpose. At the output layer,
    to which nothing is sent back, both are equal, and the angle is 0, unless the rule has
    `gradients` of its own.

    Parameters
    ----------
    spec, parameters
        The network's spec and parameters.
    trace : Trace
        A trace of `Network.backprop`, for n samples of equal weight. If the rule has its own
        `gradients`, those of the trace are compared: compute it with the default `r`.

    Returns
    -------
    Alignment
        Arrays of shape (L,), in the network's dtype: element l - 1 is for w^l and b^l together.

    Raises
    ------
    InputError
        If the trace has no deltas, or it or the parameters belong to another network or to
        several.
    MixedArraysError
        If it differs from the parameters in library, device or dtype.

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
    both = ([tuple(leaves(each)) for each in dense(g.layers)] for g in (given, expected))
    return _stacked([_aligned(*pair) for pair in zip(*both, strict=True)])


@takes_network()
def matrix_alignment(
    spec: Spec, parameters: Parameters, feedback: tuple[Array, ...] = ()
) -> Alignment:
    """Compare the matrix that sends each hidden layer its error with BP2's matrix.

    BP2's matrix is w^{l+1}. For a direct rule, it is the product w^L ⋯ w^{l+1}, by which BP2
    would multiply if the layers in between were linear.

    Parameters
    ----------
    spec, parameters, feedback
        Those of the network. A rule that draws anew at each step gives the next step's matrix.

    Returns
    -------
    Alignment
        Arrays of shape (L - 1,): element l - 1 is for hidden layer l.

    Raises
    ------
    InputError
        If the rule is a function without a matrix (the message names the layer), there is no
        hidden layer, the parameters belong to another network or to several, or the arrays are
        not those that the rule requires.
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
            "to compare with w^2; use gradient_alignment, which needs none"
        )


def _matrices(spec: Spec, parameters: Parameters, feedback: tuple[Array, ...]) -> list[Array]:
    matrix, depth = spec.feedback.matrix, len(spec.dense)
    assert matrix is not None  # checked before
    drawn = (feedback or (None,) * depth)[: depth - 1]  # the output's may be there as well
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
    """Return the angle and the ratio of two groups of arrays, each as one long vector."""
    norm, norm_true = _norm(given), _norm(true)
    xp = namespace(norm)
    undefined = xp.full_like(norm, nan)
    ratio = xp.where(norm_true > 0.0, norm / _positive(norm_true), undefined)
    # For unit vectors u and v the angle is 2 atan2(‖u − v‖, ‖u + v‖), which, unlike the arc
    # cosine of their product, is exact near 0 (W. Kahan).
    u, v = _over(given, norm), _over(true, norm_true)
    apart, along = _norm(tuple(map(sub, u, v))), _norm(tuple(map(add, u, v)))
    angle = (360.0 / pi) * xp.atan2(apart, along)
    both = xp.logical_and(norm > 0.0, norm_true > 0.0)
    return xp.where(both, angle, undefined), ratio


def _norm(parts: tuple[Array, ...]) -> Array:
    """Compute the norm, scaled by the largest element so that small squares do not vanish."""
    xp = namespace(parts[0])
    largest = reduce(xp.maximum, [xp.max(xp.abs(part)) for part in parts])
    scale = _positive(largest)
    return scale * xp.sqrt(reduce(add, [xp.sum((part / scale) ** 2) for part in parts]))


def _over(parts: tuple[Array, ...], norm: Array) -> tuple[Array, ...]:
    return tuple(part / _positive(norm) for part in parts)


def _positive(x: Array) -> Array:
    """Return a safe divisor: 1 in place of 0."""
    xp = namespace(x)
    positive: Array = xp.where(x > 0.0, x, xp.ones_like(x))
    return positive
