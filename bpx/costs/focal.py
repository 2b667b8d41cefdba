"""The focal loss, which turns down the samples that are already right (Lin et al. 2017)."""

from bpx._typing import Array
from bpx._validate import number
from bpx.activations import sigmoid, softmax
from bpx.arrays.registry import namespace
from bpx.costs.choice import Choice
from bpx.costs.cost import Cost, Formula, above_zero
from bpx.pairs import Pair, row_sums

__all__ = ["binary_focal", "categorical_focal", "focal"]

# For one probability p of what is right, with q = 1 − p, f = −q^gamma log p. The functions
# below give f and its derivatives by p, from p, q and their logarithms.


def _f(p: Array, q: Array, gamma: float) -> Array:
    return -_power(q, gamma) * namespace(p).log(above_zero(p))


def _f_prime(p: Array, q: Array, gamma: float) -> Array:
    p, q = above_zero(p), above_zero(q)
    log_p = namespace(p).log(p)
    return _power(q, gamma) * (gamma * log_p / q - 1.0 / p)


def _f_second(p: Array, q: Array, gamma: float) -> Array:
    p, q = above_zero(p), above_zero(q)
    log_p = namespace(p).log(p)
    bent = gamma * (1.0 - gamma) * log_p / q**2 + 2.0 * gamma / (p * q) + 1.0 / p**2
    return _power(q, gamma) * bent


def _power(q: Array, gamma: float) -> Array:
    xp = namespace(q)
    return xp.exp(gamma * xp.log(above_zero(q)))


def _weights(y: Array, alpha: float | None) -> tuple[Array, Array]:
    """Return how much the two classes count."""
    one, zero = (1.0, 1.0) if alpha is None else (alpha, 1.0 - alpha)
    return one * y, zero * (1.0 - y)


def _binary(a: Array, y: Array, gamma: float, alpha: float | None) -> Array:
    one, zero = _weights(y, alpha)
    return row_sums(one * _f(a, 1.0 - a, gamma) + zero * _f(1.0 - a, a, gamma))


def _binary_grad(a: Array, y: Array, gamma: float, alpha: float | None) -> Array:
    one, zero = _weights(y, alpha)
    return one * _f_prime(a, 1.0 - a, gamma) - zero * _f_prime(1.0 - a, a, gamma)


def _binary_hess(a: Array, y: Array, v: Array, gamma: float, alpha: float | None) -> Array:
    one, zero = _weights(y, alpha)
    return v * (one * _f_second(a, 1.0 - a, gamma) + zero * _f_second(1.0 - a, a, gamma))


# The same of the logits, where p = sigma(z), q = sigma(−z) and p' = p q.


def _log_sigma(z: Array) -> Array:
    # log sigma(z) = min(z, 0) − log(1 + exp(−|z|)).
    xp = namespace(z)
    return xp.minimum(z, 0.0) - xp.log1p(xp.exp(-xp.abs(z)))


def _binary_from_logits(z: Array, y: Array, gamma: float, alpha: float | None) -> Array:
    xp, (one, zero) = namespace(z), _weights(y, alpha)
    log_p, log_q = _log_sigma(z), _log_sigma(-z)
    return -row_sums(
        one * (xp.exp(gamma * log_q) * log_p) + zero * (xp.exp(gamma * log_p) * log_q)
    )


def _binary_delta(z: Array, a: Array, y: Array, gamma: float, alpha: float | None) -> Array:
    # f' p q = q^gamma (gamma p log p − q), whose terms have one sign.
    xp, (one, zero) = namespace(z), _weights(y, alpha)
    log_p, log_q = _log_sigma(z), _log_sigma(-z)
    p, q = xp.exp(log_p), xp.exp(log_q)
    of_one = xp.exp(gamma * log_q) * (gamma * p * log_p - q)
    of_zero = xp.exp(gamma * log_p) * (gamma * q * log_q - p)
    return one * of_one - zero * of_zero


def _binary_hess_z(
    z: Array, a: Array, y: Array, v: Array, gamma: float, alpha: float | None
) -> Array:
    # (q^gamma (gamma p log p − q))' = p q^gamma ((2 gamma + 1) q + gamma (q − gamma p) log p).
    def bent(z: Array) -> Array:
        xp = namespace(z)
        log_p, log_q = _log_sigma(z), _log_sigma(-z)
        p, q = xp.exp(log_p), xp.exp(log_q)
        inner = (2.0 * gamma + 1.0) * q + gamma * (q - gamma * p) * log_p
        return p * xp.exp(gamma * log_q) * inner

    one, zero = _weights(y, alpha)
    return v * (one * bent(z) + zero * bent(-z))


def _binary_convex(
    z: Array, a: Array, y: Array, v: Array, gamma: float, alpha: float | None
) -> Array:
    # f'' (p q)² = q^gamma (gamma (1 − gamma) p² log p + 2 gamma p q + q²).
    def bent(z: Array) -> Array:
        xp = namespace(z)
        log_p, log_q = _log_sigma(z), _log_sigma(-z)
        p, q = xp.exp(log_p), xp.exp(log_q)
        inner = gamma * (1.0 - gamma) * p * p * log_p + 2.0 * gamma * p * q + q * q
        return xp.exp(gamma * log_q) * inner

    one, zero = _weights(y, alpha)
    return v * (one * bent(z) + zero * bent(-z))


def _categorical(a: Array, y: Array, gamma: float) -> Array:
    return row_sums(y * _f(a, 1.0 - a, gamma))


def _categorical_grad(a: Array, y: Array, gamma: float) -> Array:
    return y * _f_prime(a, 1.0 - a, gamma)


def _categorical_hess(a: Array, y: Array, v: Array, gamma: float) -> Array:
    return v * y * _f_second(a, 1.0 - a, gamma)


def _log_softmax(z: Array) -> tuple[Array, Array]:
    """Return log a, and q = 1 − a raised above 0, of each output."""
    xp = namespace(z)
    shifted = z - xp.max(z, axis=-1, keepdims=True)
    log_a = shifted - xp.log(xp.sum(xp.exp(shifted), axis=-1, keepdims=True))
    return log_a, above_zero(-xp.expm1(log_a))


def _categorical_from_logits(z: Array, y: Array, gamma: float) -> Array:
    xp, (log_a, q) = namespace(z), _log_softmax(z)
    return -row_sums(y * (xp.exp(gamma * xp.log(q)) * log_a))


def _slope(log_a: Array, q: Array, a: Array, y: Array, gamma: float) -> Array:
    """t = y a f'(a) = y q^gamma (gamma (a/q) log a − 1)."""
    xp = namespace(a)
    return y * xp.exp(gamma * xp.log(q)) * (gamma * a * (log_a / q) - 1.0)


def _categorical_delta(z: Array, a: Array, y: Array, gamma: float) -> Array:
    # J^T grad_a, with J^T g = a g − a sum_k a_k g_k.
    t = _slope(*_log_softmax(z), a, y, gamma)
    return t - a * namespace(t).sum(t, axis=-1, keepdims=True)


# Where one output is nearly 1, its q^(gamma − 1) is huge for gamma < 1, and what it multiplies
# is tiny. So the curvature takes no difference that rounds to 0: neither 1 − a nor v − a·v.


def _parts(z: Array, a: Array, v: Array) -> tuple[Array, Array, Array]:
    """Return log a, q > 0, and u = v − a·v, which is how log a moves as z moves along v."""
    xp = namespace(z)
    shifted = z - xp.max(z, axis=-1, keepdims=True)
    top = xp.astype(shifted == 0.0, z.dtype)
    tops = xp.sum(top, axis=-1, keepdims=True)
    rest = xp.sum((1.0 - top) * xp.exp(shifted), axis=-1, keepdims=True)
    log_a = shifted - xp.log1p(rest + (tops - 1.0))
    v = v - xp.sum(top * v, axis=-1, keepdims=True) / tops  # of the largest output: 0
    u = v - xp.sum(a * v, axis=-1, keepdims=True)
    return log_a, above_zero(-xp.expm1(log_a)), u


def _pulled(a: Array, q: Array, c: Array) -> Array:
    """c − a sum_k c_k, where c = a g, as J^T g is."""
    return q * c - a * (namespace(c).sum(c, axis=-1, keepdims=True) - c)


def _bend(log_a: Array, q: Array, a: Array, y: Array, gamma: float) -> Array:
    """m = y a (a f')', which is t + y a² f''."""
    # y q^(gamma − 1) gamma a (log a + (1 − gamma) (a/q) log a + 2).
    xp, inner = namespace(a), log_a + (1.0 - gamma) * a * (log_a / q) + 2.0
    return y * xp.exp((gamma - 1.0) * xp.log(q)) * (gamma * a * inner)


def _categorical_hess_z(z: Array, a: Array, y: Array, v: Array, gamma: float) -> Array:
    # delta = t − a s with s = sum t. As z moves along v, log a moves by u, t by m u, a by a u.
    log_a, q, u = _parts(z, a, v)
    s = namespace(z).sum(_slope(log_a, q, a, y, gamma), axis=-1, keepdims=True)
    return _pulled(a, q, _bend(log_a, q, a, y, gamma) * u) - a * u * s


def _categorical_convex(z: Array, a: Array, y: Array, v: Array, gamma: float) -> Array:
    # J^T diag(y f'') J v, with y a² f'' = m − t.
    log_a, q, u = _parts(z, a, v)
    each = (log_a, q, a, y, gamma)
    return _pulled(a, q, (_bend(*each) - _slope(*each)) * u)


def binary_focal(gamma: float = 2.0, alpha: float | None = None) -> Cost:
    """Return the focal loss after sigmoid (Lin et al. 2017, equation 5).

    C_x = -sum_j (alpha y_j (1 - a_j)^gamma log a_j
    + (1 - alpha) (1 - y_j) a_j^gamma log(1 - a_j)).

    Parameters
    ----------
    gamma : float
        The larger it is, the less the samples count that are already right; at least 0. With 0
        it is the binary cross-entropy.
    alpha : float, optional
        The weight of class 1, in (0, 1); that of class 0 is 1 - alpha. By default both are 1.

    Raises
    ------
    InputError
        If a parameter is out of range.

    Examples
    --------
    >>> bpx.costs.binary_focal(gamma=2.0, alpha=0.25)
    <bpx.Cost 'binary_focal(gamma=2.0, alpha=0.25)'>
    """
    gamma = _gamma(gamma)
    if alpha is not None:
        alpha = number("alpha", alpha, "a number in (0, 1)", lambda v: 0 < v < 1)
    functions = (
        _binary,
        _binary_grad,
        _binary_hess,
        _binary_from_logits,
        _binary_delta,
        _binary_hess_z,
        _binary_convex,
    )
    value, grad_a, hess_a, *pair = (Formula(f, (gamma, alpha)) for f in functions)
    more = "" if alpha is None else f", alpha={alpha!r}"
    plain = gamma == 2.0 and alpha is None
    return Cost(
        "binary_focal" if plain else f"binary_focal(gamma={gamma!r}{more})",
        value,
        grad_a,
        pairs=((sigmoid, Pair(*pair)),),
        targets="unit",
        outputs=(sigmoid,),
        hess_a=hess_a,
    )


def categorical_focal(gamma: float = 2.0) -> Cost:
    """Return the focal loss after softmax: C_x = -sum_j y_j (1 - a_j)^gamma log a_j.

    Parameters
    ----------
    gamma : float
        As for `binary_focal`; with 0 it is the categorical cross-entropy. To weight the
        classes, train with `class_weight`.

    Raises
    ------
    InputError
        If gamma is negative.
    """
    gamma = _gamma(gamma)
    functions = (
        _categorical,
        _categorical_grad,
        _categorical_hess,
        _categorical_from_logits,
        _categorical_delta,
        _categorical_hess_z,
        _categorical_convex,
    )
    value, grad_a, hess_a, *pair = (Formula(f, (gamma,)) for f in functions)
    return Cost(
        "categorical_focal" if gamma == 2.0 else f"categorical_focal(gamma={gamma!r})",
        value,
        grad_a,
        pairs=((softmax, Pair(*pair)),),
        targets="distribution",
        outputs=(softmax,),
        hess_a=hess_a,
    )


def focal(gamma: float = 2.0) -> Choice:
    """Return `categorical_focal` after softmax, and `binary_focal` after sigmoid.

    Parameters
    ----------
    gamma : float
        As for `binary_focal`.

    Raises
    ------
    InputError
        If gamma is negative.
    """
    return Choice("focal", categorical_focal(gamma), binary_focal(gamma))


def _gamma(gamma: float) -> float:
    return number("gamma", gamma, "a number of at least 0", lambda v: v >= 0)
