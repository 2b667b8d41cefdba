"""Pairs of a cost and an output activation, computed together from the logits z^L.

Where the activation undoes the cost's logarithms, the cost and delta^L have closed forms that
neither overflow nor cancel.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from bpx._typing import A, Array
from bpx.activations import sigmoid, softmax
from bpx.arrays.registry import namespace

__all__ = ["Pair", "binary_pair", "categorical_pair", "minus", "row_sums"]


class Pair(NamedTuple):
    """A cost and an output activation, computed together from the logits.

    Attributes
    ----------
    value : callable
        ``value(z, y)``, the cost of each sample, shape (n,).
    delta : callable
        ``delta(z, a, y)``, dC_x/dz^L, shape (n, k): BP1 with both factors multiplied out.
    hess_z : callable, optional
        ``hess_z(z, a, y, v)``, shape (n, k): the derivative of delta as z moves along v,
        which is the Hessian of C_x with respect to z^L, applied to v.
    convex : callable, optional
        ``convex(z, a, y, v)``, shape (n, k): J^T (the Hessian with respect to a^L) J v, for
        the Gauss-Newton matrix, where `hess_z` is not positive semi-definite.
    """

    value: Callable[[Any, Any], Any]
    delta: Callable[[Any, Any, Any], Any]
    hess_z: Callable[[Any, Any, Any, Any], Any] | None = None
    convex: Callable[[Any, Any, Any, Any], Any] | None = None


def row_sums(x: A) -> A:
    """The sum of each row, shape (n,)."""
    return namespace(x).sum(x, axis=-1)


def minus(z: A, a: A, y: A) -> A:
    """The delta of each built-in pair; for softmax it relies on y summing to 1."""
    return a - y


def _binary_from_logits(z: Array, y: Array) -> Array:
    # -y log sigma(z) - (1 - y) log(1 - sigma(z)) = softplus(z) - y z, where max(z, 0) - y z
    # is taken first: it is exact where y is 0 or 1.
    xp = namespace(z)
    return row_sums((xp.maximum(z, 0.0) - y * z) + xp.log1p(xp.exp(-xp.abs(z))))


def _binary_hess_z(z: Array, a: Array, y: Array, v: Array) -> Array:
    # diag(a ∘ (1 - a)) v.
    return sigmoid.pushforward(z, a, v)


def _categorical_from_logits(z: Array, y: Array) -> Array:
    # -sum_j y_j log softmax(z)_j = sum_j y_j (logsumexp(z) - z_j).
    xp = namespace(z)
    shifted = z - xp.max(z, axis=-1, keepdims=True)
    return row_sums(y * (xp.log(xp.sum(xp.exp(shifted), axis=-1, keepdims=True)) - shifted))


def _categorical_hess_z(z: Array, a: Array, y: Array, v: Array) -> Array:
    # (diag(a) - a a^T) v.
    return softmax.pushforward(z, a, v)


binary_pair = Pair(_binary_from_logits, minus, _binary_hess_z)
"""Binary cross-entropy after sigmoid."""
categorical_pair = Pair(_categorical_from_logits, minus, _categorical_hess_z)
"""Categorical cross-entropy after softmax."""
