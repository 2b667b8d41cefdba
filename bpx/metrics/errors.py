"""Metrics of errors: the root of the mean square, and the coefficient of determination."""

from typing import Any

from bpx._typing import Array
from bpx.arrays.registry import namespace
from bpx.metrics.metric import Total

__all__ = ["r2", "rmse"]


def _squares(a: Array, y: Array, s: Array | None) -> tuple[Array, Array]:
    xp, off = namespace(a), a - y
    weights = _weights(a, s)
    return xp.sum(weights, axis=-2), xp.sum(weights * off * off, axis=-2)


def _weights(a: Array, s: Array | None) -> Array:
    """The weights as a column, (n, 1)."""
    return namespace(a).ones_like(a[..., :1]) if s is None else s[..., None]


def _root(weight: Any, squares: Any) -> float:
    return float(((squares / weight) ** 0.5).mean())


def _spread(a: Array, y: Array, s: Array | None) -> tuple[Array, ...]:
    """The weight, the mean of y, its squared distances from that mean, and the squared errors.

    A difference of the sums of y² and of y would cancel where the mean is large.
    """
    xp, off = namespace(a), a - y
    weights = _weights(a, s)
    weight = xp.sum(weights, axis=-2)
    some = xp.where(weight > 0.0, weight, xp.ones_like(weight))
    mean = xp.sum(weights * y, axis=-2) / some
    apart = y - mean[..., None, :]
    around = xp.sum(weights * apart * apart, axis=-2)
    return weight, mean, around, xp.sum(weights * off * off, axis=-2)


def _merged(sums: tuple[Any, ...], more: tuple[Any, ...]) -> tuple[Any, ...]:
    """Merge the sums of two parts (Chan et al. 1979)."""
    (m, mean, around, squares), (n, other, apart, errors) = sums, more
    total = m + n
    step, some = other - mean, total + (total == 0.0)
    between = step * step * m * n / some
    return total, mean + step * n / some, around + apart + between, squares + errors


def _determined(weight: Any, mean: Any, around: Any, squares: Any) -> float:
    # As in scikit-learn: constant targets give 1 if they are met, and 0 if not, unless their
    # mean rounds.
    flat = around == 0.0
    each = 1.0 - squares / (around + flat)
    return float((each * ~flat + (squares == 0.0) * flat).mean())


rmse = Total("rmse", _squares, _root, in_units=True)
r2 = Total("r2", _spread, _determined, merge=_merged)
