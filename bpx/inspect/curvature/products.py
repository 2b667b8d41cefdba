"""Curvature along a direction: products of the Hessian and of its kin with a vector.

The Hessian of C by all parameters is as large as the square of a network; its product with
a direction v = (v_w, v_b) is as large as a gradient, and takes what a gradient takes: the
equations differentiated once, R0 forward and R1 to R4 back (`bpx.equations`), on the z, a
and delta that a trace has already.

The Hessian of C_x splits at z^L. With J = dz^L/d(w, b) and H the Hessian of C_x by z^L,

    Hessian = J^T H J + sum_j delta^L_j (the Hessian of z^L_j by the parameters).

The first part is the Gauss-Newton matrix (GGN): a product with it is v pushed forward by
R0 to J v, multiplied by H, and sent back by BP2 to BP4. For the pairs of output and cost H
knows no targets: diag(a) − a a^T for softmax with the cross-entropy, diag(a ∘ (1 − a)) for
sigmoid with the binary one, 1 for identity with the quadratic cost. There C_x is −log p(y),
and the GGN is the Fisher matrix, the mean of g g^T over labels that the network itself would
draw. The empirical Fisher matrix, of the labels that were given, is another matrix.

All are means over the samples, or sums weighted by r, of C alone: a penalty adds
(lmbda / n) v_w. B. Pearlmutter, "Fast exact multiplication by the Hessian" (1994);
N. Schraudolph, "Fast curvature matrix-vector products" (2002).
"""

from bpx._typing import Array
from bpx.arrays.registry import namespace
from bpx.equations import r0, r2, r3, r4
from bpx.inspect.curvature.output import check_likelihood
from bpx.inspect.requirements import (
    Direction,
    check_by_transpose,
    check_derivatives,
    check_direction,
    check_trace,
)
from bpx.inspect.samples.gradients import errors
from bpx.jacobians import pushforward
from bpx.model.passes import Trace, as_targets, check_targets, gradients, row_weights, sent_back
from bpx.model.spec import Gradients, Parameters, Spec

__all__ = [
    "empirical_fisher_vector_product",
    "fisher_vector_product",
    "ggn_vector_product",
    "hessian_vector_product",
]


def hessian_vector_product(
    spec: Spec,
    parameters: Parameters,
    trace: Trace,
    y: Array,
    v: Direction,
    *,
    r: Array | float | None = None,
) -> Gradients:
    """The Hessian of C by all parameters, times v: R0, R1 to R4.

    Parameters
    ----------
    spec, parameters
        The network's.
    trace : Trace
        Of `bpx.backprop` on the same parameters, n samples: a gradient and this product
        share its passes.
    y : array, shape (n,) or (n, k_L)
        The targets it was made with.
    v : pair (w, b) of tuples of arrays
        Of the shapes, home and dtype of the parameters.
    r : array of shape (n, 1), or float, optional
        The weight of each sample; 1/n if left out.

    Returns
    -------
    Gradients

    Raises
    ------
    InputError
        If a shape does not fit, the trace has no deltas, a part was made without the
        second derivative that this takes, or errors are not sent back by the transpose.
    MixedArraysError
        If an array is of another library, device or dtype than the parameters.

    Notes
    -----
    sigma'' of the piecewise linear activations is 0, at their kinks too.

    Examples
    --------
    >>> import numpy as np
    >>> net = bpx.Network([3, 4, 2], seed=0, dtype="float64")
    >>> x, y = np.ones((5, 3)), np.array([0, 1, 0, 1, 1])
    >>> trace = net.backprop(x, y)
    >>> given = net.spec, net.parameters, trace, y
    >>> moved = bpx.inspect.hessian_vector_product(*given, trace.gradients)
    >>> [w.shape for w in moved.w]
    [(4, 3), (2, 4)]
    """
    both = "pushforward", "pullback_derivative"
    check_by_transpose(spec, "the Hessian")
    check_derivatives(spec, "the Hessian", hidden=both, output=both)
    delta, (v, targets, r) = errors(trace), _given(spec, parameters, trace, y, v, r)
    rz, ra = _pushed(spec, parameters, trace, v)
    a = trace.a[-1]
    rdelta = [spec.cost.delta_derivative(spec.output, trace.z[-1], a, targets, rz[-1])]
    for i in reversed(range(len(delta) - 1)):
        sigma, at = spec.layers[i].activation, (trace.z[i], trace.a[i + 1])
        next_layer = parameters.w[i + 1], v.w[i + 1], delta[i + 1], rdelta[0]
        rdelta.insert(0, r2(sigma, *at, *next_layer, rz[i]))
    layers = zip(delta, rdelta, trace.a, ra, strict=False)
    return Gradients(
        w=tuple(r4(r, *each) for each in layers), b=tuple(r3(r, each) for each in rdelta)
    )


def ggn_vector_product(
    spec: Spec,
    parameters: Parameters,
    trace: Trace,
    y: Array,
    v: Direction,
    *,
    r: Array | float | None = None,
) -> Gradients:
    """The Gauss-Newton matrix (1/n) sum_x J_x^T H_x J_x, times v: positive semi-definite.

    H is the Hessian of C_x by z^L for a pair of output and cost; elsewhere the cost's
    Hessian by a^L, between the output's Jacobians.

    Parameters
    ----------
    spec, parameters, y, v, r
        As for `hessian_vector_product`.
    trace : Trace
        Of `bpx.forward` or `bpx.backprop`.

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
    v, targets, r = _given(spec, parameters, trace, y, v, r)
    rz, _ = _pushed(spec, parameters, trace, v)
    z, a = trace.z, trace.a
    error = spec.cost.gauss_newton(spec.output, z[-1], a[-1], targets, rz[-1])
    return gradients(r, sent_back(spec, parameters, z, a, error), a)


def fisher_vector_product(
    spec: Spec,
    parameters: Parameters,
    trace: Trace,
    y: Array,
    v: Direction,
    *,
    r: Array | float | None = None,
) -> Gradients:
    """The Fisher matrix times v: the mean of g g^T over labels drawn by the network itself.

    It is the Gauss-Newton matrix where C_x = −log p(y | a) is of the exponential family in
    its natural parameters, as of the pairs of softmax or sigmoid with their cross-entropy,
    or the quadratic cost, a normal distribution, after any output: that is what is computed.

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
        If the cost and the output are no log-likelihood, or as for `ggn_vector_product`.
    MixedArraysError
        As for `ggn_vector_product`.

    Notes
    -----
    J. Martens, "New insights and perspectives on the natural gradient method" (2020),
    section 9.2.
    """
    check_likelihood(spec, "the Fisher matrix")
    return ggn_vector_product(spec, parameters, trace, y, v, r=r)


def empirical_fisher_vector_product(
    trace: Trace, v: Direction, *, r: Array | float | None = None
) -> Gradients:
    """(1/n) sum_x g_x (g_x · v), of the samples' own gradients g_x, which are not made.

    g_x · v is sum_l delta^l_x · (v_w^l a^{l-1}_x + v_b^l), and weighs the rows of delta in
    BP3 and BP4.

    Parameters
    ----------
    trace : Trace
        Of `bpx.backprop`.
    v, r
        As for `hessian_vector_product`.

    Returns
    -------
    Gradients

    Raises
    ------
    InputError
        If the trace has no deltas, or a shape does not fit.
    MixedArraysError
        If an array is of another library, device or dtype than the trace.

    Notes
    -----
    It is neither the Fisher matrix nor close to the Hessian far from a perfect fit:
    F. Kunstner, L. Balles, P. Hennig, "Limitations of the empirical Fisher approximation"
    (2019).
    """
    delta, xp = errors(trace), namespace(trace.a[0])
    v = check_direction([a.shape[1] for a in trace.a], trace.a[0], v)
    along = 0.0
    for d, a, v_w, v_b in zip(delta, trace.a, *v, strict=False):
        along = along + xp.sum(d * (a @ v_w.mT + v_b), axis=1, keepdims=True)
    return gradients(row_weights(trace.a[0], r) * along, delta, trace.a)


def _given(
    spec: Spec,
    parameters: Parameters,
    trace: Trace,
    y: Array,
    v: Direction,
    r: Array | float | None,
) -> tuple[Parameters, Array, Array | float]:
    """The direction, the targets (n, k_L) and the row weights, checked."""
    x = trace.a[0]
    check_trace(spec, trace)
    check_targets(spec, parameters, x, y)
    v = check_direction(spec.sizes, parameters.w[0], v)
    return v, as_targets(spec, y, x), row_weights(x, r)


def _pushed(
    spec: Spec, parameters: Parameters, trace: Trace, v: Parameters
) -> tuple[list[Array], list[Array | None]]:
    """R{z^l} of layers 1 to L, and R{a^l} of layers 0 to L - 1."""
    w, a = parameters.w, trace.a
    rz = [r0(w[0], v.w[0], v.b[0], a[0], None)]
    ra: list[Array | None] = [None]
    for i, layer in enumerate(spec.layers[:-1], 1):
        ra.append(pushforward(layer.activation, trace.z[i - 1], a[i], rz[-1]))
        rz.append(r0(w[i], v.w[i], v.b[i], a[i], ra[-1]))
    return rz, ra
