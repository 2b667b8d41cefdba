"""Numerical derivatives, computed from differences, to compare formulas with.

Central differences at twenty steps, each half the one before, are extrapolated to step 0
(Richardson 1911), and for each number the value with the smallest error estimate is taken
(Ridders 1982). So no step has to be chosen: the short ones resolve a stiff function, and the
long ones keep the digits of a smooth one. Where left and right derivatives differ, there is no
derivative: such points are marked, not differentiated.

The function runs where its arrays live; its results are extrapolated on the host.
"""

from collections.abc import Callable
from math import inf
from typing import Any, NamedTuple

from bpx._typing import Array
from bpx.arrays.host import quietly
from bpx.arrays.registry import namespace
from bpx.arrays.transfer import to_host

__all__ = [
    "Deviation",
    "Slope",
    "deviation",
    "known",
    "settled",
    "slope",
    "slopes",
    "tiled",
    "total",
    "unit_vectors",
]

_LONGEST, _LEVELS, _ORDERS = 0.125, 20, 4
_ROUNDING = 2.0**-50  # four units in the last place of a float64
_TRUST = 10.0
"""How many times its error estimate a difference may be off."""
_SMALL = 1e-5
"""A derivative below this fraction of the differentiated value is compared absolutely."""


class Slope(NamedTuple):
    """A numerical derivative, number by number: host arrays.

    Attributes
    ----------
    value, error : host array
        The derivative, and its possible error: infinite if it is unknown.
    kink : array, bool
        Where left and right derivatives differ.
    size : array
        The magnitude of the differentiated value, to which rounding is relative.
    """

    value: Any
    error: Any
    kink: Any
    size: Any


class Deviation(NamedTuple):
    """The deviation of a formula from a derivative.

    Attributes
    ----------
    largest : float
        The largest distance between the result and the expected value, divided by the larger of
        the two, or by the smallest number distinguishable from 0 if that is larger. At most 2,
        which is a wrong sign; infinite where the formula is not finite.
    at : int
        The index of that number in the flattened array.
    given, expected : float
        The two numbers there.
    points, skipped : int
        The number of values, and how many of them have no derivative: kinks, and points at
        which the differences do not converge.
    """

    largest: float
    at: int
    given: float
    expected: float
    points: int
    skipped: int


def slope(f: Callable[[float], Array]) -> Slope:
    """Differentiate ``f(t)`` at t = 0, for every number of the array that f returns.

    Parameters
    ----------
    f : callable
        A function of a Python number that returns a float64 array of any library. Its natural
        scale is about 1.

    Returns
    -------
    Slope
    """
    with quietly():
        return _slope(lambda t: to_host(f(t)))


def _slope(f: Callable[[float], Any]) -> Slope:
    here = f(0.0)
    xp, size = namespace(here), _size(here)
    best, error = xp.zeros_like(here), xp.full_like(here, inf)
    before: list[Any] = []
    bent, more_bent = best, best
    for level in range(_LEVELS):
        h = _LONGEST * 0.5**level
        ahead, behind = f(h), f(-h)
        row = _extrapolated((ahead - behind) * (0.5 / h), before)
        noise = _ROUNDING / h * size
        for closer, off in _estimates(row, before):
            best = xp.where(off + noise < error, closer, best)
            error = xp.where(off + noise < error, off + noise, error)
        before, more_bent, bent = row, bent, xp.abs(ahead - 2.0 * here + behind) / h
    # A second difference over h vanishes with h, unless the slope jumps. `noise` is now that
    # of the shortest step.
    jumps = xp.logical_and(bent > 0.9 * more_bent, bent > 64.0 * noise + 1e-6 * xp.abs(best))
    return Slope(best, error, jumps, size)


def slopes(f: Callable[[Array], Array], at: Array, directions: Array) -> Slope:
    """Differentiate ``f(at)``, one number for each row of `at`, along each direction.

    Parameters
    ----------
    f : callable
        Shapes (m n, k) to (m n,): row by row.
    at : array, shape (n, k)
    directions : array, shape (m, k)

    Returns
    -------
    Slope
        The derivatives, of shape (m n,): all rows along the first direction, then the second.
    """
    xp = namespace(at)
    (n, k), m = at.shape, directions.shape[0]
    here = tiled(at, m)
    ways = xp.reshape(xp.broadcast_to(directions[:, None, :], (m, n, k)), (m * n, k))
    return slope(lambda t: f(here + t * ways))


def tiled(x: Array, m: int) -> Array:
    """Stack m copies of the rows of x, shape (n, k)."""
    xp = namespace(x)
    stacked: Array = xp.reshape(xp.broadcast_to(x[None, :, :], (m, *x.shape)), (-1, x.shape[1]))
    return stacked


def unit_vectors(like: Array) -> Array:
    """A direction for each unit of `like`, shape (n, k): the rows of the identity (k, k)."""
    k, device = like.shape[1], getattr(like, "device", None)
    units: Array = namespace(like).eye(k, dtype=like.dtype, device=device)
    return units


def known(value: Array) -> Slope:
    """Wrap another formula's result, to compare with it directly."""
    value = to_host(value)
    size = _size(value)
    return Slope(value, 4.0 * _ROUNDING * size, size < 0.0, size)


def settled(found: Slope, tolerance: float) -> Any:
    """Mark the derivatives known to a tenth of the tolerance: a host array of bool."""
    xp = namespace(found.value)
    large = xp.maximum(xp.abs(found.value), 1e-3 * found.size)
    resolved = _TRUST * found.error <= tolerance * large
    return xp.logical_and(resolved, xp.logical_not(found.kink))


def total(found: Slope, axis: int, r: Any) -> Slope:
    """Differentiate a weighted sum; terms of weight 0 are ignored."""
    xp = namespace(found.value)
    value, error, size = (
        xp.sum(xp.where(r > 0.0, r * each, xp.zeros_like(each)), axis=axis)
        for each in (found.value, found.error, found.size)
    )
    return Slope(value, error, xp.sum(r + xp.zeros_like(found.value), axis=axis) <= 0.0, size)


def deviation(given: Array, expected: Slope, tolerance: float) -> Deviation:
    """Return how far `given` is from a derivative, at the number that is furthest off.

    A number counts if the differences have converged there; others are skipped.

    Parameters
    ----------
    given : array
        The formula's result.
    expected : Slope
        The expected values, of the same shape.
    tolerance : float
        A larger relative deviation counts as more than rounding.
    """
    with quietly():
        return _deviation(to_host(given), expected, tolerance)


def _deviation(given: Any, expected: Slope, tolerance: float) -> Deviation:
    xp = namespace(given)
    value, doubt = expected.value, _TRUST * expected.error
    counts = settled(expected, tolerance)
    # Small numbers are compared absolutely, since a formula rounds too.
    least = xp.maximum(doubt / tolerance, _SMALL * expected.size)
    scale = xp.maximum(xp.maximum(xp.abs(given), xp.abs(value)), least)
    off = xp.abs(given - value) / xp.where(scale > 0.0, scale, xp.ones_like(scale))
    off = xp.where(xp.isfinite(off), off, xp.full_like(off, inf))
    return _furthest(off, counts, given, value)


def _furthest(off: Any, counts: Any, given: Any, expected: Any) -> Deviation:
    columns = (each.reshape(-1).tolist() for each in (off, counts, given, expected))
    rows = [(o, i, g, e) for i, (o, c, g, e) in enumerate(zip(*columns, strict=True)) if c]
    nowhere = (0.0, 0, 0.0, 0.0)
    largest, at, one, other = max(rows, default=nowhere, key=lambda row: row[0])
    return Deviation(largest, at, one, other, off.size, off.size - len(rows))


def _extrapolated(difference: Any, before: list[Any]) -> list[Any]:
    """Return the orders 2, 4, 6 and 8 at this step, from those at twice the step."""
    row = [difference]
    for j, coarse in enumerate(before[: _ORDERS - 1], 1):
        row.append(row[-1] + (row[-1] - coarse) / (4.0**j - 1.0))
    return row


def _estimates(row: list[Any], before: list[Any]) -> list[tuple[Any, Any]]:
    """Return each extrapolated value, with its distance from the two it was computed from."""
    return [
        (fine, namespace(fine).maximum(abs(fine - row[j]), abs(fine - before[j])))
        for j, fine in enumerate(row[1:])
    ]


def _size(x: Any) -> Any:
    """Return |x|, but no less than the smaller of 1 and the largest |x|."""
    xp = namespace(x)
    size = xp.abs(x)
    size = xp.where(xp.isfinite(size), size, xp.zeros_like(size))
    return xp.maximum(size, xp.minimum(xp.max(size), xp.ones_like(size)))
