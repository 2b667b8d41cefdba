"""Costs for targets that are numbers: of the differences a − y, and of counts."""

from bpx._typing import Array
from bpx._validate import number
from bpx.activations import exponential, identity, softplus
from bpx.arrays.registry import namespace
from bpx.costs.cost import Cost, Formula, above_zero, flat
from bpx.errors import InputError, option
from bpx.pairs import Pair, minus, row_sums

__all__ = ["huber", "log_cosh", "mae", "poisson", "quadratic", "quantile"]


def _quadratic(a: Array, y: Array) -> Array:
    return 0.5 * row_sums((a - y) ** 2)


def _quadratic_grad(a: Array, y: Array) -> Array:
    return a - y


def _quadratic_hess(a: Array, y: Array, v: Array) -> Array:
    return v


def _quadratic_hess_z(z: Array, a: Array, y: Array, v: Array) -> Array:
    return v


def _mae(a: Array, y: Array) -> Array:
    return row_sums(namespace(a).abs(a - y))


def _mae_grad(a: Array, y: Array) -> Array:
    # The sign of 0 is 0, which is a subgradient.
    return namespace(a).sign(a - y)


def _huber(a: Array, y: Array, delta: float) -> Array:
    # With c = a − y cut to [−delta, delta], c (a − y − c/2) is both of its cases.
    off = a - y
    cut = namespace(a).clip(off, -delta, delta)
    return row_sums(cut * (off - 0.5 * cut))


def _huber_grad(a: Array, y: Array, delta: float) -> Array:
    return namespace(a).clip(a - y, -delta, delta)


def _huber_hess(a: Array, y: Array, v: Array, delta: float) -> Array:
    xp = namespace(a)
    return v * xp.astype(xp.abs(a - y) < delta, v.dtype)


def _log_cosh(a: Array, y: Array) -> Array:
    # Near 0, -1/2 log(1 - tanh²) is exact; further out, |d| + log(1 + exp(-2|d|)) - log 2.
    xp = namespace(a)
    off = xp.abs(a - y)
    t = xp.tanh(xp.minimum(off, 1.0))
    near = -0.5 * xp.log1p(-t * t)
    far = off + (xp.log1p(xp.exp(-2.0 * off)) - _LOG_2)
    return row_sums(xp.where(off < 1.0, near, far))


_LOG_2 = 0.6931471805599453


def _log_cosh_grad(a: Array, y: Array) -> Array:
    return namespace(a).tanh(a - y)


def _log_cosh_hess(a: Array, y: Array, v: Array) -> Array:
    t = namespace(a).tanh(a - y)
    return v * (1.0 - t * t)


def _pinball(a: Array, y: Array, quantiles: tuple[float, ...]) -> Array:
    off, q = y - a, _levels(a, quantiles)
    return row_sums(namespace(a).maximum(q * off, (q - 1.0) * off))


def _pinball_grad(a: Array, y: Array, quantiles: tuple[float, ...]) -> Array:
    # 0 where a = y, which is a subgradient.
    xp, q = namespace(a), _levels(a, quantiles)
    return (1.0 - q) * xp.astype(a > y, a.dtype) - q * xp.astype(a < y, a.dtype)


def _levels(a: Array, quantiles: tuple[float, ...]) -> Array:
    """Return the level of each output, shape (k,): the quantiles again and again."""
    xp, count = namespace(a), len(quantiles)
    device = getattr(a, "device", None)
    place = xp.arange(a.shape[-1], dtype=xp.int32, device=device) % count
    each = [q * xp.astype(place == i, a.dtype) for i, q in enumerate(quantiles)]
    levels = each[0]
    for more in each[1:]:
        levels = levels + more
    return levels


def _poisson(a: Array, y: Array) -> Array:
    return row_sums(a - y * namespace(a).log(above_zero(a)))


def _poisson_grad(a: Array, y: Array) -> Array:
    return 1.0 - y / above_zero(a)


def _poisson_hess(a: Array, y: Array, v: Array) -> Array:
    return v * y / above_zero(a) ** 2


def _poisson_from_logits(z: Array, y: Array) -> Array:
    # a − y log a with log a = z.
    return row_sums(namespace(z).exp(z) - y * z)


def _poisson_hess_z(z: Array, a: Array, y: Array, v: Array) -> Array:
    return a * v


# After softplus, a = log(1 + exp(z)) and a' = sigma(z). Far below 0 both go to exp(z), and
# their ratio to 1: the logarithm and the ratio come from z, where a has no digits left.


def _poisson_of_softplus(z: Array, y: Array) -> Array:
    xp, t = namespace(z), above_zero(namespace(z).exp(-namespace(z).abs(z)))
    a = xp.maximum(z, 0.0) + xp.log1p(t)
    log_a = xp.where(z < 0.0, z + xp.log(xp.log1p(t) / t), xp.log(a))
    return row_sums(a - y * log_a)


def _softplus_slopes(z: Array) -> tuple[Array, Array, Array]:
    """Return sigma(z), 1 − sigma(z) and sigma(z) / a."""
    xp, t = namespace(z), above_zero(namespace(z).exp(-namespace(z).abs(z)))
    below, one, whole = z < 0.0, xp.ones_like(t), 1.0 + t
    share, other = xp.where(below, t, one), xp.where(below, one, t)
    a = xp.maximum(z, 0.0) + xp.log1p(t)
    return share / whole, other / whole, share / (a * whole)


def _poisson_softplus_delta(z: Array, a: Array, y: Array) -> Array:
    sigma, _, ratio = _softplus_slopes(z)
    return sigma - y * ratio


def _poisson_softplus_hess(z: Array, a: Array, y: Array, v: Array) -> Array:
    # (sigma − y sigma/a)'; it is at least 0, since sigma/a is at least 1 − sigma.
    sigma, other, ratio = _softplus_slopes(z)
    return v * (sigma * other + y * ratio * (ratio - other))


quadratic = Cost(
    "quadratic",
    _quadratic,
    _quadratic_grad,
    pairs=((identity, Pair(_quadratic, minus, _quadratic_hess_z)),),
    hess_a=_quadratic_hess,
)
mae = Cost("mae", _mae, _mae_grad, hess_a=flat)
log_cosh = Cost("log_cosh", _log_cosh, _log_cosh_grad, hess_a=_log_cosh_hess)
poisson = Cost(
    "poisson",
    _poisson,
    _poisson_grad,
    pairs=(
        (exponential, Pair(_poisson_from_logits, minus, _poisson_hess_z)),
        (
            softplus,
            Pair(_poisson_of_softplus, _poisson_softplus_delta, _poisson_softplus_hess),
        ),
    ),
    targets="nonnegative",
    outputs=(exponential, softplus),
    hess_a=_poisson_hess,
)


def huber(delta: float = 1.0) -> Cost:
    """Return the cost that is quadratic near the target and absolute beyond (Huber 1964).

    C_x = sum_j h(a_j - y_j), with h(d) = d²/2 where abs(d) < delta and
    delta (abs(d) - delta/2) elsewhere.

    Parameters
    ----------
    delta : float
        Where it changes, positive.

    Raises
    ------
    InputError
        If delta is not a positive number.

    Examples
    --------
    >>> bpx.costs.huber(0.5)
    <bpx.Cost 'huber(delta=0.5)'>
    """
    delta = number("delta", delta, "a positive number", lambda v: v > 0)
    value, grad_a, hess_a = (Formula(f, (delta,)) for f in (_huber, _huber_grad, _huber_hess))
    name = "huber" if delta == 1.0 else f"huber(delta={delta!r})"
    return Cost(name, value, grad_a, hess_a=hess_a)


def quantile(*quantiles: float) -> Cost:
    """Return the cost whose minimum is at quantiles of y given x (Koenker and Bassett 1978).

    C_x = sum_j max(q_j (y_j - a_j), (q_j - 1) (y_j - a_j)), the pinball loss; its gradient at
    a_j = y_j is 0. With one quantile, each output is that quantile of its target. With
    several, each target has as many outputs, side by side in the order of the quantiles: for
    one target and three quantiles, the network has three outputs, and y has the shape (n,) or
    (n, 1). Three targets need nine outputs; training refuses other columns for three.

    Parameters
    ----------
    *quantiles : float
        Each in (0, 1), in increasing order; by default 0.5, the median.

    Raises
    ------
    InputError
        If one is not such a number, or they do not increase.

    Notes
    -----
    Each quantile is learned by itself, so that the outputs of a sample may cross: sort them
    if that matters.

    Examples
    --------
    >>> bpx.costs.quantile(0.1, 0.5, 0.9)
    <bpx.Cost 'quantile(0.1, 0.5, 0.9)'>
    """
    expected = "numbers in (0, 1)"
    if quantiles and isinstance(quantiles[0], list | tuple):
        expected += ", without a list around them: quantile(0.1, 0.5, 0.9)"
    levels = tuple(
        number("quantile", q, expected, lambda v: 0 < v < 1) for q in quantiles or (0.5,)
    )
    if sorted(set(levels)) != list(levels):
        raise InputError(
            f"{option('quantiles', levels)} was given; expected quantiles in increasing order"
        )
    value, grad_a = (Formula(f, (levels,)) for f in (_pinball, _pinball_grad))
    given = ", ".join(map(repr, levels))
    name = "quantile" if levels == (0.5,) else f"quantile({given})"
    return Cost(name, value, grad_a, hess_a=flat, per_target=len(levels))
