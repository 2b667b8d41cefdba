"""Derivatives by differences alone: what a formula is checked against.

Central differences at twenty steps, each half the one before, are extrapolated to the step 0
(Richardson 1911), and for each number the value is taken whose own error estimate is least
(Ridders 1982). So no step has to be chosen: a stiff function is resolved by the short ones,
and a smooth one keeps the digits of the long ones. Where left and right derivatives differ
there is no derivative: those points are told, not differentiated.

The function runs where its arrays live; what it gives is extrapolated on the host.
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
"""A derivative that is less than this of what was differentiated is compared absolutely."""


class Slope(NamedTuple):
    """A derivative by differences, number by number: host arrays.

    Attributes
    ----------
    value, error : host array
        The derivative, and how far off it may be: infinite where it is not known.
    kink : array, bool
        Where left and right derivatives differ.
    size : array
        What was differentiated, by its magnitude: what rounding is relative to.
    """

    value: Any
    error: Any
    kink: Any
    size: Any


class Deviation(NamedTuple):
    """How far a formula is from a derivative.

    Attributes
    ----------
    largest : float
        The largest distance of what was given from what was expected, over the larger of the
        two, or over what is too small to be told from 0, if that is more. At most 2, which
        is a wrong sign; infinite where the formula is not finite.
    at : int
        Where: the place in the flattened array.
    given, expected : float
        The two numbers there.
    points, skipped : int
        How many numbers there are, and how many of them have no derivative: kinks, and
        where the differences do not settle.
    """

    largest: float
    at: int
    given: float
    expected: float
    points: int
    skipped: int


def slope(f: Callable[[float], Array]) -> Slope:
    """The derivative of ``f(t)`` at t = 0, of every number of the array that f gives.

    Parameters
    ----------
    f : callable
        Of a Python number, to a float64 array of any library. Its natural length is about 1.

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
    """The derivatives of ``f(at)``, one number for each row of `at`, along each direction.

    Parameters
    ----------
    f : callable
        Shapes (m n, k) to (m n,): row by row.
    at : array, shape (n, k)
    directions : array, shape (m, k)

    Returns
    -------
    Slope
        Of shape (m n,): all rows along the first direction, then along the second.
    """
    xp = namespace(at)
    (n, k), m = at.shape, directions.shape[0]
    here = tiled(at, m)
    ways = xp.reshape(xp.broadcast_to(directions[:, None, :], (m, n, k)), (m * n, k))
    return slope(lambda t: f(here + t * ways))


def tiled(x: Array, m: int) -> Array:
    """The rows of x, shape (n, k), m times one below the other."""
    xp = namespace(x)
    stacked: Array = xp.reshape(xp.broadcast_to(x[None, :, :], (m, *x.shape)), (-1, x.shape[1]))
    return stacked


def unit_vectors(like: Array) -> Array:
    """A direction for each unit of `like`, shape (n, k): the rows of the identity (k, k)."""
    k, device = like.shape[1], getattr(like, "device", None)
    units: Array = namespace(like).eye(k, dtype=like.dtype, device=device)
    return units


def known(value: Array) -> Slope:
    """What is compared without differences: an array that another formula gave."""
    value = to_host(value)
    size = _size(value)
    return Slope(value, 4.0 * _ROUNDING * size, size < 0.0, size)


def settled(found: Slope, tolerance: float) -> Any:
    """Which derivatives differences know to a tenth of the tolerance: a host array, bool."""
    xp = namespace(found.value)
    large = xp.maximum(xp.abs(found.value), 1e-3 * found.size)
    resolved = _TRUST * found.error <= tolerance * large
    return xp.logical_and(resolved, xp.logical_not(found.kink))


def total(found: Slope, axis: int, r: Any) -> Slope:
    """The derivative of a weighted sum; what the weight 0 has is left out."""
    xp = namespace(found.value)
    value, error, size = (
        xp.sum(xp.where(r > 0.0, r * each, xp.zeros_like(each)), axis=axis)
        for each in (found.value, found.error, found.size)
    )
    return Slope(value, error, xp.sum(r + xp.zeros_like(found.value), axis=axis) <= 0.0, size)


def deviation(given: Array, expected: Slope, tolerance: float) -> Deviation:
    """How far `given` is from a derivative, by the number that is furthest.

    A number counts where the differences have settled; the others are skipped.

    Parameters
    ----------
    given : array
        What a formula gave.
    expected : Slope
        Of the same shape.
    tolerance : float
        The relative deviation that is to be told from rounding.
    """
    with quietly():
        return _deviation(to_host(given), expected, tolerance)


def _deviation(given: Any, expected: Slope, tolerance: float) -> Deviation:
    xp = namespace(given)
    value, doubt = expected.value, _TRUST * expected.error
    counts = settled(expected, tolerance)
    # What is small is compared absolutely: a formula rounds, too.
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
    """The orders 2, 4, 6 and 8 at this step, from those at twice the step."""
    row = [difference]
    for j, coarse in enumerate(before[: _ORDERS - 1], 1):
        row.append(row[-1] + (row[-1] - coarse) / (4.0**j - 1.0))
    return row


def _estimates(row: list[Any], before: list[Any]) -> list[tuple[Any, Any]]:
    """Each extrapolated value, with its distance from the two that it was made of."""
    return [
        (fine, namespace(fine).maximum(abs(fine - row[j]), abs(fine - before[j])))
        for j, fine in enumerate(row[1:])
    ]


def _size(x: Any) -> Any:
    """|x|, and at least the largest of them, or 1 if that is less."""
    xp = namespace(x)
    size = xp.abs(x)
    size = xp.where(xp.isfinite(size), size, xp.zeros_like(size))
    return xp.maximum(size, xp.minimum(xp.max(size), xp.ones_like(size)))
