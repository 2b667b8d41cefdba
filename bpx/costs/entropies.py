"""Costs for probabilities: the cross-entropies, also with smoothed labels, and KL."""

from bpx._typing import Array
from bpx._validate import number
from bpx.activations import sigmoid, softmax
from bpx.arrays.registry import namespace
from bpx.costs.choice import Choice
from bpx.costs.cost import Cost, Formula, above_zero
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


def _smooth(y: Array, smoothing: float, share: float) -> Array:
    """(1 − epsilon) y + epsilon u, where u is the uniform distribution's probability."""
    return (1.0 - smoothing) * y + smoothing * share


def _smooth_binary(a: Array, y: Array, smoothing: float) -> Array:
    return _binary(a, _smooth(y, smoothing, 0.5))


def _smooth_binary_grad(a: Array, y: Array, smoothing: float) -> Array:
    return _binary_grad(a, _smooth(y, smoothing, 0.5))


def _smooth_binary_hess(a: Array, y: Array, v: Array, smoothing: float) -> Array:
    return _binary_hess(a, _smooth(y, smoothing, 0.5), v)


def _smooth_binary_from_logits(z: Array, y: Array, smoothing: float) -> Array:
    return binary_pair.value(z, _smooth(y, smoothing, 0.5))


def _smooth_binary_delta(z: Array, a: Array, y: Array, smoothing: float) -> Array:
    return a - _smooth(y, smoothing, 0.5)


def _smooth_categorical(a: Array, y: Array, smoothing: float) -> Array:
    return _categorical(a, _smooth(y, smoothing, 1.0 / y.shape[-1]))


def _smooth_categorical_grad(a: Array, y: Array, smoothing: float) -> Array:
    return _categorical_grad(a, _smooth(y, smoothing, 1.0 / y.shape[-1]))


def _smooth_categorical_hess(a: Array, y: Array, v: Array, smoothing: float) -> Array:
    return _categorical_hess(a, _smooth(y, smoothing, 1.0 / y.shape[-1]), v)


def _smooth_categorical_from_logits(z: Array, y: Array, smoothing: float) -> Array:
    return categorical_pair.value(z, _smooth(y, smoothing, 1.0 / y.shape[-1]))


def _smooth_categorical_delta(z: Array, a: Array, y: Array, smoothing: float) -> Array:
    return a - _smooth(y, smoothing, 1.0 / y.shape[-1])


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
    smoothing = _checked(label_smoothing)
    if smoothing == 0.0:
        return binary_cross_entropy
    functions = (
        _smooth_binary,
        _smooth_binary_grad,
        _smooth_binary_hess,
        _smooth_binary_from_logits,
        _smooth_binary_delta,
    )
    value, grad_a, hess_a, of_logits, delta = (Formula(f, (smoothing,)) for f in functions)
    return Cost(
        f"binary_cross_entropy(label_smoothing={smoothing!r})",
        value,
        grad_a,
        pairs=((sigmoid, Pair(of_logits, delta, binary_pair.hess_z)),),
        targets="unit",
        outputs=(sigmoid,),
        hess_a=hess_a,
    )


def smoothed_categorical(label_smoothing: float = 0.0) -> Cost:
    """Return the categorical cross-entropy of (1 − epsilon) y + epsilon/k."""
    smoothing = _checked(label_smoothing)
    if smoothing == 0.0:
        return categorical_cross_entropy
    functions = (
        _smooth_categorical,
        _smooth_categorical_grad,
        _smooth_categorical_hess,
        _smooth_categorical_from_logits,
        _smooth_categorical_delta,
    )
    value, grad_a, hess_a, of_logits, delta = (Formula(f, (smoothing,)) for f in functions)
    return Cost(
        f"categorical_cross_entropy(label_smoothing={smoothing!r})",
        value,
        grad_a,
        pairs=((softmax, Pair(of_logits, delta, categorical_pair.hess_z)),),
        targets="distribution",
        outputs=(softmax,),
        hess_a=hess_a,
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


def _checked(label_smoothing: float) -> float:
    return number(
        "label_smoothing", label_smoothing, "a number in [0, 1)", lambda v: 0 <= v < 1
    )
