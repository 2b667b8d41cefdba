"""Initial weights and biases, drawn on the host so that every backend starts from the same.

An initializer is a value with two functions. Each takes a host generator (with
``standard_normal`` and ``uniform``) and returns float64 host arrays, which are cast and
moved afterwards.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Any, Literal, TypeAlias

from bpx import activations
from bpx.activations import Activation
from bpx.arrays.registry import namespace
from bpx.errors import InputError, advice, nearest

__all__ = ["INITIALIZERS", "Initializer", "InitializerName", "default", "get"]


@dataclass(frozen=True)
class Initializer:
    """The distribution of a layer's initial weights and biases.

    Parameters
    ----------
    name : str
        The name under which it is shown.
    weights : callable
        ``weights(rng, n_out, n_in)`` -> float64 host array, shape (n_out, n_in).
    biases : callable
        ``biases(rng, n_out)`` -> float64 host array, shape (n_out,).
    """

    name: str
    weights: Callable[[Any, int, int], Any]
    biases: Callable[[Any, int], Any]

    def __repr__(self) -> str:
        return f"<bpx.Initializer {self.name!r}>"


def _normal(variance: Callable[[int, int], float]) -> Callable[[Any, int, int], Any]:
    def weights(rng: Any, n_out: int, n_in: int) -> Any:
        return sqrt(variance(n_out, n_in)) * rng.standard_normal((n_out, n_in))

    return weights


def _uniform(variance: Callable[[int, int], float]) -> Callable[[Any, int, int], Any]:
    def weights(rng: Any, n_out: int, n_in: int) -> Any:
        limit = sqrt(3.0 * variance(n_out, n_in))  # U(-c, c) has variance c^2/3
        return rng.uniform(-limit, limit, (n_out, n_in))

    return weights


def _orthogonal(rng: Any, n_out: int, n_in: int) -> Any:
    # Q of a Gaussian matrix, with the signs of its columns set by R's diagonal, is
    # uniformly distributed over the orthogonal matrices (Mezzadri 2007).
    tall = rng.standard_normal((max(n_out, n_in), min(n_out, n_in)))
    linalg = namespace(tall).linalg
    q, r = linalg.qr(tall)
    q = q * namespace(r).sign(linalg.diagonal(r))
    return q if n_out >= n_in else q.mT


def _normal_biases(rng: Any, n_out: int) -> Any:
    return rng.standard_normal(n_out)


def _zero_biases(rng: Any, n_out: int) -> Any:
    return _zeros(rng.standard_normal(n_out))


def _zero_weights(rng: Any, n_out: int, n_in: int) -> Any:
    return _zeros(rng.standard_normal((n_out, n_in)))


def _zeros(like: Any) -> Any:
    return namespace(like).zeros_like(like)


def _one(n_out: int, n_in: int) -> float:
    return 1.0


def _lecun(n_out: int, n_in: int) -> float:
    return 1.0 / n_in


def _glorot(n_out: int, n_in: int) -> float:
    return 2.0 / (n_in + n_out)


def _he(n_out: int, n_in: int) -> float:
    return 2.0 / n_in


INITIALIZERS = {
    each.name: each
    for each in (
        Initializer("book", _normal(_lecun), _normal_biases),
        Initializer("book_large", _normal(_one), _normal_biases),
        Initializer("glorot_normal", _normal(_glorot), _zero_biases),
        Initializer("glorot_uniform", _uniform(_glorot), _zero_biases),
        Initializer("he_normal", _normal(_he), _zero_biases),
        Initializer("he_uniform", _uniform(_he), _zero_biases),
        Initializer("lecun_normal", _normal(_lecun), _zero_biases),
        Initializer("lecun_uniform", _uniform(_lecun), _zero_biases),
        Initializer("orthogonal", _orthogonal, _zero_biases),
        Initializer("zeros", _zero_weights, _zero_biases),
    )
}
"""The built-in initializers by name.

- ``book``: w ~ N(0, 1/n_in), b ~ N(0, 1) (the book's chapter 3)
- ``book_large``: w ~ N(0, 1), b ~ N(0, 1) (the book's chapter 1)
- ``glorot_*``: variance 2/(n_in + n_out) (Glorot and Bengio 2010), b = 0
- ``he_*``: variance 2/n_in (He et al. 2015), b = 0
- ``lecun_*``: variance 1/n_in (LeCun et al. 1998), b = 0
- ``orthogonal``: orthonormal rows or columns (Saxe et al. 2014), b = 0
- ``zeros``: w = 0, b = 0
"""

InitializerName: TypeAlias = Literal[
    "book",
    "book_large",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
    "orthogonal",
    "zeros",
]
"""The keys of `INITIALIZERS`, for type checkers and editors."""

_RECTIFIERS = (
    activations.relu,
    activations.leaky_relu,
    activations.elu,
    activations.softplus,
    activations.gelu_tanh,
    activations.silu,
)


def default(activation: Activation) -> Initializer:
    """Return the initializer that suits an activation.

    It is ``book`` for sigmoid, ``he_normal`` for relu and its family, and ``glorot_normal``
    for the rest.
    """
    if activation == activations.sigmoid:
        return INITIALIZERS["book"]
    return INITIALIZERS["he_normal" if activation in _RECTIFIERS else "glorot_normal"]


def get(initializer: InitializerName | Initializer) -> Initializer:
    """Return the initializer with that name, or the value itself.

    Raises
    ------
    InputError
        If the name is not a key of `INITIALIZERS`, or the value is not an initializer.
    """
    if isinstance(initializer, Initializer):
        return initializer
    if not isinstance(initializer, str) or initializer not in INITIALIZERS:
        close = nearest(str(initializer), INITIALIZERS)
        raise InputError(
            f"there is no initializer {initializer!r}{close}; "
            f"known: {', '.join(INITIALIZERS)}"
            + advice("; or pass a bpx.Initializer of your own", "")
        )
    return INITIALIZERS[initializer]
