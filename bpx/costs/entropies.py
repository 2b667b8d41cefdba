"""Costs for probabilities: the cross-entropies, also with smoothed labels, and KL."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from bpx._typing import Array
from bpx._validate import number
from bpx.activations import sigmoid, softmax
from bpx.arrays.registry import namespace
from bpx.costs.choice import Choice
from bpx.costs.cost import Cost, above_zero
from bpx.pairs import Pair, binary_pair, categorical_pair, minus, row_sums

__all__ = [
    "binary_cross_entropy",
    "categorical_cross_entropy",
    "cross_entropy",
    "kl_divergence",
    "smoothed_binary",
    "smoothed_categorical",
]


def _binary(a: Array, y: Array) -> Array:
    log = namespace(a).log
    return -row_sums(y * log(above_zero(a)) + (1.0 - y) * log(above_zero(1.0 - a)))


def _binary_grad(a: Array, y: Array) -> Array:
    return (1.0 - y) / above_zero(1.0 - a) - y / above_zero(a)


def _binary_hess(a: Array, y: Array, v: Array) -> Array:
    return v * ((1.0 - y) / above_zero(1.0 - a) ** 2 + y / above_zero(a) ** 2)


def _categorical(a: Array, y: Array) -> Array:
    return -row_sums(y * namespace(a).log(above_zero(a)))


def _categorical_grad(a: Array, y: Array) -> Array:
    return -y / above_zero(a)


def _categorical_hess(a: Array, y: Array, v: Array) -> Array:
    return v * y / above_zero(a) ** 2


@dataclass(frozen=True)
class _Smoothed:
    """A function with (1 − epsilon) y + epsilon u in place of the targets y.

    u is the probability of each class in the uniform distribution.

    Attributes
    ----------
    function : callable
    smoothing : float
        epsilon.
    classes : int or None
        The number of classes; None for the number of outputs.
    place : int
        The place of y among the arguments.
    """

    function: Callable[..., Any]
    smoothing: float
    classes: int | None
    place: int = 1

    def __call__(self, *given: Any) -> Any:
        y = given[self.place]
        share = 1.0 / (self.classes or y.shape[-1])
        smooth = (1.0 - self.smoothing) * y + self.smoothing * share
        return self.function(*given[: self.place], smooth, *given[self.place + 1 :])


def _kl(a: Array, y: Array) -> Array:
    log = namespace(a).log
    return row_sums(y * (log(above_zero(y)) - log(above_zero(a))))


def _kl_from_logits(z: Array, y: Array) -> Array:
    # With d = log a − log y, y (exp(d) − 1 − d) is the term of j plus a_j − y_j, which sum to
    # 0. Unlike −y d it is never negative, and does not cancel near a = y. It is a at y = 0.
    xp = namespace(z)
    shifted = z - xp.max(z, axis=-1, keepdims=True)
    log_a = shifted - xp.log(xp.sum(xp.exp(shifted), axis=-1, keepdims=True))
    d = log_a - xp.log(above_zero(y))
    return row_sums(xp.where(y > 0.0, y * (xp.expm1(d) - d), xp.exp(log_a)))


binary_cross_entropy = Cost(
    "binary_cross_entropy",
    _binary,
    _binary_grad,
    pairs=((sigmoid, binary_pair),),
    targets="unit",
    outputs=(sigmoid,),
    hess_a=_binary_hess,
)
categorical_cross_entropy = Cost(
    "categorical_cross_entropy",
    _categorical,
    _categorical_grad,
    pairs=((softmax, categorical_pair),),
    targets="distribution",
    outputs=(softmax,),
    hess_a=_categorical_hess,
)
kl_divergence = Cost(
    "kl_divergence",
    _kl,
    _categorical_grad,
    pairs=((softmax, Pair(_kl_from_logits, minus, categorical_pair.hess_z)),),
    targets="distribution",
    outputs=(softmax,),
    hess_a=_categorical_hess,
)


def smoothed_binary(label_smoothing: float = 0.0) -> Cost:
    """Return the binary cross-entropy of (1 − epsilon) y + epsilon/2."""
    return _smoothed(binary_cross_entropy, label_smoothing, classes=2)


def smoothed_categorical(label_smoothing: float = 0.0) -> Cost:
    """Return the categorical cross-entropy of (1 − epsilon) y + epsilon/k."""
    return _smoothed(categorical_cross_entropy, label_smoothing, classes=None)


def _smoothed(plain: Cost, label_smoothing: float, classes: int | None) -> Cost:
    in_range = "a number in [0, 1)", lambda v: 0 <= v < 1
    smoothing = number("label_smoothing", label_smoothing, *in_range)
    if smoothing == 0.0:
        return plain

    def of(function: Any, place: int = 1) -> Any:
        return _Smoothed(function, smoothing, classes, place)

    ((output, pair),) = plain.pairs
    return replace(
        plain,
        name=f"{plain.name}(label_smoothing={smoothing!r})",
        value=of(plain.value),
        grad_a=of(plain.grad_a),
        hess_a=of(plain.hess_a),
        pairs=((output, Pair(of(pair.value), of(pair.delta, place=2), pair.hess_z)),),
    )


def cross_entropy(label_smoothing: float = 0.0) -> Choice:
    """Return the cross-entropy with smoothed labels (Szegedy et al. 2016).

    It is the categorical cross-entropy after softmax and the binary one after sigmoid, with
    (1 - epsilon) y + epsilon/k in place of y, where k is the number of outputs, or 2 after
    sigmoid. Its least value is not 0.

    Parameters
    ----------
    label_smoothing : float
        epsilon, in [0, 1); 0 gives the plain cross-entropy.

    Raises
    ------
    InputError
        If it is not such a number.

    Examples
    --------
    >>> cost = bpx.costs.cross_entropy(label_smoothing=0.1)
    >>> bpx.Network([4, 3], output="softmax", cost=cost, seed=0).spec.cost
    <bpx.Cost 'categorical_cross_entropy(label_smoothing=0.1)'>
    """
    categorical, binary = (
        smoothed_categorical(label_smoothing),
        smoothed_binary(label_smoothing),
    )
    return Choice("cross_entropy", categorical, binary)
