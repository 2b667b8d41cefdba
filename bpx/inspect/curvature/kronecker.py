"""Kronecker factors of each layer's curvature: second moments of its inputs and errors.

The block of the Gauss-Newton matrix for layer l is the mean over the samples of
(δ δ^T) ⊗ (ā ā^T), with ā = (a^{l-1}, 1) and δ computed by BP2 from a root of H. The mean of the
products is approximated by the product of the means, G^l ⊗ A^{l-1}: two small matrices that
are cheap to invert, instead of one with the square of the layer's size.
"""

from typing import Literal, NamedTuple, TypeAlias, get_args

from bpx._typing import A as AnyArray
from bpx._typing import Array
from bpx.arrays.registry import namespace
from bpx.errors import InputError
from bpx.inspect.curvature.output import output_errors, summed
from bpx.inspect.given import takes_network
from bpx.inspect.requirements import check_by_transpose, check_given
from bpx.inspect.samples.gradients import errors
from bpx.layers.dense import Dense
from bpx.model.parameters import Parameters
from bpx.model.spec import Spec
from bpx.model.trace import WithDeltas

__all__ = ["KroneckerFactors", "kfac"]

Kind: TypeAlias = Literal["exact", "monte_carlo", "empirical"]
_KINDS = get_args(Kind)


class KroneckerFactors(NamedTuple):
    """The factors of each layer: A of its inputs and G of its errors.

    The bias is the weight of an input that is always 1; a layer without biases has no such
    input, and its A is (k_i, k_i). The block of layer l, with weights and
    bias in one matrix (w^l, b^l), row by row, is about G ⊗ A; times a direction (v_w, v_b), it
    is G (v_w, v_b) A. For separate blocks of weights and biases, drop the last row and column
    of A: G ⊗ ``A[:-1, :-1]`` is about the weights' block, and G alone is about the biases'
    block.

    Attributes
    ----------
    A : tuple of L arrays
        ``A[i]`` of shape (k_i + 1, k_i + 1): the mean of ā ā^T, ā = (a^i, 1).
    G : tuple of L arrays
        ``G[i]`` of shape (k_{i+1}, k_{i+1}): the mean of δ δ^T of layer i + 1.
    """

    A: tuple[Array, ...]
    G: tuple[Array, ...]


@takes_network()
def kfac(
    spec: Spec,
    parameters: Parameters,
    trace: WithDeltas,
    y: Array,
    *,
    kind: Kind = "exact",
    samples: int = 1,
    seed: int | Array = 0,
) -> KroneckerFactors:
    """Compute the Kronecker factors of the Gauss-Newton or Fisher matrix, layer by layer.

    Parameters
    ----------
    spec, parameters
        The network's spec and parameters.
    trace : Trace
        A trace of `bpx.backprop`, or of `bpx.forward` unless `kind` is ``"empirical"``.
    y : array, shape (n,) or (n, k_L)
        The targets.
    kind : {"exact", "monte_carlo", "empirical"}, optional
        The origin of G: a root of H, with one pass of BP2 for each output; labels drawn from
        the network's own distribution, with one pass for each draw; or the given labels, whose
        errors the trace has, with no further pass.
    samples : int, optional
        The number of labels to draw for each sample, for ``"monte_carlo"``.
    seed : int or array, shape (2,), int32, optional
        The seed of the labels, as for `ggn_diagonal`.

    Returns
    -------
    KroneckerFactors
        Means over the samples.

    Raises
    ------
    InputError
        If `kind` is unknown, or as for `ggn_diagonal`.
    MixedArraysError
        If y differs from the parameters in library or device.

    Notes
    -----
    J. Martens, R. Grosse, "Optimizing neural networks with Kronecker-factored approximate
    curvature" (2015), ``"monte_carlo"``; A. Botev, H. Ritter, D. Barber, "Practical
    Gauss-Newton optimisation for deep learning" (2017), KFLR, ``"exact"``.
    """
    if kind not in _KINDS:
        raise InputError(
            f"kind={kind!r} was given; expected one of {', '.join(map(repr, _KINDS))}"
        )
    what = "the Kronecker factors"
    if kind == "empirical":
        check_by_transpose(spec, what)
        check_given(spec, parameters, trace)
        pairs = iter([(errors(trace), errors(trace))])
    else:
        drawn = samples if kind == "monte_carlo" else None
        pairs = output_errors(spec, parameters, trace, y, what, drawn, seed)
    inputs = zip(spec.dense, trace.a[:-1], strict=True)
    moments = tuple(_second_moment(_with_one(a) if at.bias else a) for at, a in inputs)
    each = zip(spec.layers, summed(pairs, _mean_outer), strict=True)
    G = tuple(found for layer, found in each if isinstance(layer, Dense))
    return KroneckerFactors(moments, G)


def _with_one(a: AnyArray) -> AnyArray:
    """Append 1 to each row: ā = (a, 1)."""
    xp = namespace(a)
    joined: AnyArray = xp.concat([a, xp.ones_like(a[:, :1])], axis=1)
    return joined


def _second_moment(a: AnyArray) -> AnyArray:
    """Compute (1/n) sum_x a_x a_x^T."""
    scaled = a.shape[0] ** -0.5 * a
    # NumPy computes half of the product of an array with itself, and mirrors it.
    return scaled.mT @ scaled


def _mean_outer(s: AnyArray, t: AnyArray) -> AnyArray:
    """Compute (1/n) sum_x s_x t_x^T."""
    # A full product even if t is s: mirroring takes longer if k_l is a power of two.
    return (1.0 / s.shape[0] * s).mT @ t
