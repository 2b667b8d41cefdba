"""Curvature along a direction: products of the Hessian and similar matrices with a vector.

The Hessian of C with respect to p parameters has p² elements. Its product with a direction
v = (v_w, v_b) is only as large as a gradient and costs about as much. It takes the equations
differentiated once, R0 forward and R1 to R4 back (`bpx.equations`), and the z, a and delta of
a trace.

The Hessian of C_x splits at z^L. With J = dz^L/d(w, b), and H the Hessian of C_x with respect
to z^L,

    Hessian = J^T H J + sum_j delta^L_j (the Hessian of z^L_j by the parameters).

The first part is the Gauss-Newton matrix (GGN). To multiply it by v, R0 pushes v forward to
J v, which is multiplied by H and sent back by BP2 to BP4. For the pairs of output and cost, H
does not depend on the targets: it is diag(a) − a a^T for softmax with the cross-entropy,
diag(a ∘ (1 − a)) for sigmoid with the binary one, and 1 for identity with the quadratic cost.
There C_x is −log p(y), and the GGN is the Fisher matrix, the mean of g g^T over labels drawn
from the network itself. The empirical Fisher matrix uses the given labels and differs from it.

All products are means over the samples, or sums weighted by r. They do not include a penalty,
which adds (lmbda / n) v_w. B. Pearlmutter, "Fast exact multiplication by the Hessian" (1994);
N. Schraudolph, "Fast curvature matrix-vector products" (2002).
"""

from functools import reduce
from operator import add

from bpx._typing import Array
from bpx.inspect.curvature.moved import given, moved_gradients, pushed
from bpx.inspect.curvature.output import check_likelihood
from bpx.inspect.given import takes_network
from bpx.inspect.requirements import (
    Direction,
    check_by_transpose,
    check_derivatives,
    check_direction,
)
from bpx.inspect.samples.gradients import errors, own_errors
from bpx.inspect.samples.layers import along
from bpx.layers.layer import learns
from bpx.model.expected import row_weights
from bpx.model.parameters import Gradients, Parameters
from bpx.model.passes import gradients, sent_back
from bpx.model.run import Run
from bpx.model.spec import Spec
from bpx.model.trace import Trace, WithDeltas, WithLayers

__all__ = [
    "empirical_fisher_vector_product",
    "fisher_vector_product",
    "ggn_vector_product",
    "hessian_vector_product",
]


@takes_network()
def hessian_vector_product(
    spec: Spec,
    parameters: Parameters,
    trace: WithDeltas,
    y: Array,
    v: Direction,
    *,
    r: Array | float | None = None,
) -> Gradients:
    """Multiply v by the Hessian of C with respect to all parameters: R0 to R4.

    Parameters
    ----------
    spec, parameters
        The network's spec and parameters.
    trace : Trace
        A trace of `bpx.backprop` with the same parameters, for n samples; a gradient and this
        product share its passes.
    y : array, shape (n,) or (n, k_L)
        The targets of the trace.
    v : Parameters or Gradients, or pair of tuples of arrays, w and b
        A direction with the shapes, home and dtype of the parameters; the pair only if all
        layers are Dense.
    r : array of shape (n, 1), or float, optional
        The weight of each sample; 1/n by default.

    Returns
    -------
    Gradients

    Raises
    ------
    InputError
        If a shape does not fit, an argument has several networks, the trace has no deltas, a
        part was made without a second derivative that is needed, or the feedback is not the
        transpose.
    MixedArraysError
        If an array differs from the parameters in library, device or dtype.

    Notes
    -----
    sigma'' of piecewise linear activations is 0, even at their kinks.

    Examples
    --------
    >>> import numpy as np
    >>> net = bpx.Network([3, 4, 2], seed=0, dtype="float64")
    >>> x, y = np.ones((5, 3)), np.array([0, 1, 0, 1, 1])
    >>> trace = net.backprop(x, y)
    >>> moved = bpx.inspect.hessian_vector_product(net, x, y, trace.gradients)
    >>> [w.shape for w in moved.w]
    [(4, 3), (2, 4)]
    """
    both = "pushforward", "pullback_derivative"
    check_by_transpose(spec, "the Hessian")
    check_derivatives(spec, "the Hessian", hidden=both, output=both)
    errors(trace)
    targets, r = given(spec, parameters, trace, y, r)
    direction = check_direction(parameters, v)
    moved = pushed(spec, parameters, trace, direction)
    return moved_gradients(spec, parameters, trace, direction, moved, targets, r)


@takes_network(forward_only=True)
def ggn_vector_product(
    spec: Spec,
    parameters: Parameters,
    trace: WithLayers,
    y: Array,
    v: Direction,
    *,
    r: Array | float | None = None,
) -> Gradients:
    """Multiply v by the Gauss-Newton matrix (1/n) sum_x J_x^T H_x J_x.

    The matrix is positive semi-definite. For a pair of output and cost, H is the Hessian of C_x
    with respect to z^L. Otherwise it is the Hessian with respect to a^L, between the output's
    Jacobians.

    Parameters
    ----------
    spec, parameters, y, v, r
        As for `hessian_vector_product`.
    trace : Trace
        A trace of `bpx.forward` or `bpx.backprop`.

    Returns
    -------
    Gradients

    Raises
    ------
    InputError, MixedArraysError
        As for `hessian_vector_product`.
    """
    check_by_transpose(spec, "the GGN")
    check_derivatives(spec, "the GGN", hidden=("pushforward",), output=("pushforward",))
    targets, r = given(spec, parameters, trace, y, r)
    direction = check_direction(parameters, v)
    rz, output = pushed(spec, parameters, trace, direction)[-1].z, trace.layers[-1]
    error = spec.cost.gauss_newton(spec.output, output.z, output.a, targets, rz)
    deltas = sent_back(Run(spec, parameters, trace.layers), error)
    return gradients(r, trace.layers, deltas)


@takes_network(forward_only=True)
def fisher_vector_product(
    spec: Spec,
    parameters: Parameters,
    trace: WithLayers,
    y: Array,
    v: Direction,
    *,
    r: Array | float | None = None,
) -> Gradients:
    """Multiply v by the Fisher matrix, the mean of g g^T over the network's own labels.

    It is computed as the Gauss-Newton matrix, which it equals if C_x = −log p(y | a) is of the
    exponential family in its natural parameters: for softmax or sigmoid with its cross-entropy,
    and for the quadratic cost, a normal distribution, after any output.

    Parameters
    ----------
    spec, parameters, trace, y, v, r
        As for `ggn_vector_product`.

    Returns
    -------
    Gradients

    Raises
    ------
    InputError
        If the cost and the output are not a log-likelihood, or as for `ggn_vector_product`.
    MixedArraysError
        As for `ggn_vector_product`.

    Notes
    -----
    J. Martens, "New insights and perspectives on the natural gradient method" (2020),
    section 9.2.
    """
    check_likelihood(spec, "the Fisher matrix")
    return ggn_vector_product(spec, parameters, trace, y, v, r=r)


@takes_network()
def empirical_fisher_vector_product(
    trace: WithDeltas, v: Direction, *, r: Array | float | None = None
) -> Gradients:
    """Compute (1/n) sum_x g_x (g_x · v) of the samples' gradients g_x, without forming them.

    g_x · v is sum_l delta^l_x · (v_w^l a^{l-1}_x + v_b^l), and weights the rows of delta in
    BP3 and BP4.

    Parameters
    ----------
    trace : Trace
        A trace of `bpx.backprop`.
    v, r
        As for `hessian_vector_product`.

    Returns
    -------
    Gradients

    Raises
    ------
    InputError
        If the trace has no deltas, a shape does not fit, or an argument has several
        networks.
    MixedArraysError
        If an array differs from the trace in library, device or dtype.

    Notes
    -----
    This matrix is neither the Fisher matrix nor close to the Hessian far from a perfect fit:
    F. Kunstner, L. Balles, P. Hennig, "Limitations of the empirical Fisher approximation"
    (2019).
    """
    deltas = own_errors(trace)
    direction = check_direction(_gradients_of(trace), v)
    each = zip(trace.layers, direction.layers, deltas, strict=True)
    weights = reduce(add, (along(*those) for those in each if learns(those[0])))
    return gradients(row_weights(trace.a[0], r) * weights, trace.layers, deltas)


def _gradients_of(trace: WithDeltas) -> Gradients:
    """Return the trace's gradients, or their sums for a trace of `output_traces`."""
    if isinstance(trace, Trace):
        return trace.gradients
    return gradients(1.0, trace.layers, trace.deltas)
