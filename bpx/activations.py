"""Activation functions: each sigma beside its first and its second derivative.

An activation is a value with a `name`, `sigma` and `pullback`: see `bpx.jacobians`. The
derivatives take both z and a = sigma(z), since some are cheaper to compute from a.
"""

from math import inf, pi, sqrt
from typing import Literal, TypeAlias

from bpx._typing import A, Array
from bpx.arrays.registry import namespace
from bpx.errors import InputError, advice, nearest
from bpx.jacobians import Activation, Elementwise, Rowwise, flat

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "ActivationName",
    "Elementwise",
    "Rowwise",
    "elu",
    "exponential",
    "flat",
    "gelu_tanh",
    "get",
    "identity",
    "leaky_relu",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
]


def _identity(z: Array) -> Array:
    return z


def _identity_prime(z: Array, a: Array) -> Array:
    return namespace(z).ones_like(z)


def _sigmoid(z: Array) -> Array:
    # 1/(1 + exp(-z)) without overflow.
    return 0.5 * namespace(z).tanh(0.5 * z) + 0.5


def _sigmoid_prime(z: Array, a: Array) -> Array:
    return a * (1.0 - a)


def _sigmoid_second(z: Array, a: Array) -> Array:
    return a * (1.0 - a) * (1.0 - 2.0 * a)


def _tanh(z: A) -> A:
    return namespace(z).tanh(z)


def _tanh_prime(z: Array, a: Array) -> Array:
    return 1.0 - a * a


def _tanh_second(z: Array, a: Array) -> Array:
    return -2.0 * a * (1.0 - a * a)


def _relu(z: A) -> A:
    return namespace(z).maximum(z, 0.0)


def _relu_prime(z: Array, a: Array) -> Array:
    # sigma'(0) = 0.
    return _is_positive(z)


_LEAK = 0.01


def _leaky_relu(z: A) -> A:
    return namespace(z).where(z > 0.0, z, _LEAK * z)


def _leaky_relu_prime(z: Array, a: Array) -> Array:
    return (1.0 - _LEAK) * _is_positive(z) + _LEAK


def _elu(z: A) -> A:
    xp = namespace(z)
    return xp.where(z > 0.0, z, xp.expm1(xp.minimum(z, 0.0)))


def _elu_prime(z: Array, a: Array) -> Array:
    # exp(z) = a + 1 below 0, and 1 above.
    return namespace(z).minimum(a, 0.0) + 1.0


def _elu_second(z: Array, a: Array) -> Array:
    xp = namespace(z)
    return xp.where(z > 0.0, xp.zeros_like(z), a + 1.0)


def _softplus(z: Array) -> Array:
    # log(1 + exp(z)) without overflow.
    xp = namespace(z)
    return xp.maximum(z, 0.0) + xp.log1p(xp.exp(-xp.abs(z)))


def _softplus_prime(z: Array, a: Array) -> Array:
    return _sigmoid(z)


def _softplus_second(z: Array, a: Array) -> Array:
    s = _sigmoid(z)
    return s * (1.0 - s)


def _exponential(z: A) -> A:
    return namespace(z).exp(z)


def _exponential_prime(z: Array, a: Array) -> Array:
    # exp is its own derivative, the first and the second.
    return a


_GELU_SCALE = sqrt(2.0 / pi)
_GELU_CUBIC = 0.044715


def _gelu_inner(z: Array) -> Array:
    return namespace(z).tanh(_GELU_SCALE * z * (1.0 + _GELU_CUBIC * z * z))


def _gelu_tanh(z: Array) -> Array:
    return 0.5 * z * (1.0 + _gelu_inner(z))


def _gelu_tanh_prime(z: Array, a: Array) -> Array:
    t = _gelu_inner(z)
    inner_prime = _GELU_SCALE * (1.0 + 3.0 * _GELU_CUBIC * z * z)
    return 0.5 * (1.0 + t) + 0.5 * z * (1.0 - t * t) * inner_prime


def _gelu_tanh_second(z: Array, a: Array) -> Array:
    t = _gelu_inner(z)
    inner_prime = _GELU_SCALE * (1.0 + 3.0 * _GELU_CUBIC * z * z)
    inner_second = 6.0 * _GELU_SCALE * _GELU_CUBIC * z
    return (1.0 - t * t) * (inner_prime + 0.5 * z * (inner_second - 2.0 * t * inner_prime**2))


def _silu(z: Array) -> Array:
    return z * _sigmoid(z)


def _silu_prime(z: Array, a: Array) -> Array:
    # (z s)' = s + z s (1 - s).
    s = _sigmoid(z)
    return s + a * (1.0 - s)


def _silu_second(z: Array, a: Array) -> Array:
    # (s + z s (1 - s))' = s (1 - s) (2 + z (1 - 2 s)).
    s = _sigmoid(z)
    return s * (1.0 - s) * (2.0 + z * (1.0 - 2.0 * s))


def _softmax(z: Array) -> Array:
    # exp(z) / sum(exp(z)), shifted by the row's maximum so that nothing overflows.
    xp = namespace(z)
    e = xp.exp(z - xp.max(z, axis=-1, keepdims=True))
    return e / xp.sum(e, axis=-1, keepdims=True)


def _softmax_pull(z: Array, a: Array, g: Array) -> Array:
    # J = diag(a) - a a^T, which is symmetric.
    return a * (g - namespace(a).sum(a * g, axis=-1, keepdims=True))


def _softmax_bend(z: Array, a: Array, g: Array, v: Array) -> Array:
    # The derivative of a (g - a·g), as a moves by J v.
    moved = _softmax_pull(z, a, v)
    sums = namespace(a).sum
    return moved * (g - sums(a * g, axis=-1, keepdims=True)) - a * sums(
        moved * g, axis=-1, keepdims=True
    )


def _is_positive(z: A) -> A:
    xp = namespace(z)
    return xp.astype(z > 0.0, z.dtype)


identity = Elementwise("identity", _identity, _identity_prime, flat)
"""a = z."""
sigmoid = Elementwise("sigmoid", _sigmoid, _sigmoid_prime, _sigmoid_second, (0.0, 1.0))
"""a = 1 / (1 + exp(-z))."""
tanh = Elementwise("tanh", _tanh, _tanh_prime, _tanh_second, (-1.0, 1.0))
"""a = tanh(z)."""
relu = Elementwise("relu", _relu, _relu_prime, flat, (0.0, inf))
"""a = max(z, 0), with sigma'(0) = 0."""
leaky_relu = Elementwise("leaky_relu", _leaky_relu, _leaky_relu_prime, flat)
"""a = z above 0, 0.01 z below (Maas et al. 2013)."""
elu = Elementwise("elu", _elu, _elu_prime, _elu_second, (-1.0, inf))
"""a = z above 0, exp(z) - 1 below (Clevert et al. 2016)."""
softplus = Elementwise("softplus", _softplus, _softplus_prime, _softplus_second, (0.0, inf))
"""a = log(1 + exp(z))."""
gelu_tanh = Elementwise("gelu_tanh", _gelu_tanh, _gelu_tanh_prime, _gelu_tanh_second)
"""a = z/2 (1 + tanh(sqrt(2/pi) (z + 0.044715 z^3))) (Hendrycks and Gimpel 2016)."""
silu = Elementwise("silu", _silu, _silu_prime, _silu_second)
"""a = z sigmoid(z) (Elfwing et al. 2018)."""
exponential = Elementwise(
    "exponential", _exponential, _exponential_prime, _exponential_prime, (0.0, inf)
)
"""a = exp(z), for outputs that are rates; it overflows where exp(z) does."""
softmax = Rowwise("softmax", _softmax, _softmax_pull, _softmax_pull, _softmax_bend, (0.0, 1.0))
"""a_j = exp(z_j) / sum_k exp(z_k)."""

ACTIVATIONS: dict[str, Activation] = {
    each.name: each
    for each in (
        identity,
        sigmoid,
        tanh,
        relu,
        leaky_relu,
        elu,
        softplus,
        gelu_tanh,
        silu,
        exponential,
        softmax,
    )
}
"""The built-in activations by name."""

ActivationName: TypeAlias = Literal[
    "identity",
    "sigmoid",
    "tanh",
    "relu",
    "leaky_relu",
    "elu",
    "softplus",
    "gelu_tanh",
    "silu",
    "exponential",
    "softmax",
]
"""The keys of `ACTIVATIONS`, for type checkers and editors."""


def get(activation: ActivationName | Activation) -> Activation:
    """Return the activation with that name, or the value itself.

    Raises
    ------
    InputError
        If the name is not a key of `ACTIVATIONS`, or the value is not an activation.
    """
    if isinstance(activation, str):
        if activation not in ACTIVATIONS:
            raise InputError(
                f"there is no activation {activation!r}{nearest(activation, ACTIVATIONS)}; "
                f"known: {', '.join(ACTIVATIONS)}"
                + advice("; or pass a bpx.Elementwise of your own", "")
            )
        return ACTIVATIONS[activation]
    if not all(hasattr(activation, part) for part in ("name", "sigma", "pullback")):
        raise InputError(
            f"{activation!r} was given as an activation; expected one of "
            f"{', '.join(ACTIVATIONS)}, or a bpx.Elementwise(name, sigma, sigma_prime)"
        )
    return activation
