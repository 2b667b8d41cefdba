"""Check a cost's formulas against differences of its value, and its pairs against these."""

from collections.abc import Callable
from typing import NamedTuple

from bpx._typing import Array
from bpx.activations import Activation
from bpx.arrays.home import Home
from bpx.arrays.registry import namespace
from bpx.costs import Cost, Pair
from bpx.inspect.checks.behaviour import Call, behaves, finite, misshapen, portable
from bpx.inspect.checks.differences import Slope, known, slope, slopes, tiled, unit_vectors
from bpx.inspect.checks.draws import Draws, sums_to_one
from bpx.inspect.checks.report import Row, by_sample, by_unit, compared

__all__ = ["cost_rows", "pair_rows"]

_SAMPLES, _UNITS = 96, 5
_OF_ANY_NUMBERS = ("binary", "one_hot")
"""Classes whose outputs may be any numbers."""


class _Points(NamedTuple):
    """The arguments for a cost: outputs, logits, targets and a direction, shape (n, k)."""

    a: Array
    z: Array
    y: Array
    v: Array


def cost_rows(cost: Cost, wide: Home, narrow: Home, tolerance: float, seed: int) -> list[Row]:
    """Check everything about a cost that needs no network.

    Parameters
    ----------
    cost : Cost
    wide, narrow : Home
        Homes of float64, where derivatives are compared, and of float32.
    tolerance : float
        The largest relative deviation that passes.
    seed : int
        The seed of the points.
    """
    with narrow.active():
        few = _calls(cost, _points(cost, Draws(narrow, seed)))
    with wide.active():
        points = _points(cost, Draws(wide, seed))
        rows = behaves(cost.name, _calls(cost, points), few, tolerance)
        if all(row.ok for row in rows):
            rows += _plain_rows(cost, points, tolerance)
            for activation, pair in cost.pairs:
                rows += _pair_rows(cost, activation, pair, points, tolerance)
            value_and_gradient = _plain_calls(cost, _extremes(cost, points))[:2]
            rows.append(finite(cost.name, value_and_gradient))
    return rows + portable(
        cost.name, lambda home: _calls(cost, _points(cost, Draws(home, seed)))
    )


def pair_rows(cost: Cost, output: Activation, draws: Draws, tolerance: float) -> list[Row]:
    """Return the rows of the pair that a cost has with `output`, if any."""
    pair = cost.pair(output)
    if pair is None:
        return []
    return _pair_rows(cost, output, pair, _points(cost, draws), tolerance)


def _points(cost: Cost, draws: Draws) -> _Points:
    """Draw points at which the cost is defined, as its targets imply.

    Outputs for real targets are real, unless the cost is finite for fewer than half of them,
    for example if it has a logarithm: then outputs and targets are in (0, 1).
    """
    shape = _SAMPLES, _UNITS
    y, z, v = draws.targets(cost, *shape), 2.0 * draws.normal(*shape), draws.normal(*shape)
    a = draws.normal(*shape)
    if cost.targets in _OF_ANY_NUMBERS:
        return _Points(2.0 * a, z, y, v)
    if cost.targets != "real" or not _mostly_finite(cost, a, y):
        a = draws.uniform(*shape)
        y = draws.uniform(*shape) if cost.targets == "real" else y
    return _Points(sums_to_one(a) if cost.targets == "distribution" else a, z, y, v)


def _mostly_finite(cost: Cost, a: Array, y: Array) -> bool:
    xp = namespace(a)
    call = Call("value", cost.value, (a, y), (_SAMPLES,))
    if misshapen(call):
        return True  # other rows report it
    counted = xp.sum(xp.astype(xp.isfinite(call()), a.dtype))
    return float(counted) > 0.5 * _SAMPLES


def _plain_calls(cost: Cost, points: _Points) -> list[Call]:
    a, _, y, v = points
    shape = (a.shape[0], a.shape[1])
    calls = [
        Call("value", cost.value, (a, y), shape[:1]),
        Call("grad_a", cost.grad_a, (a, y), shape),
    ]
    return calls + ([Call("hess_a", cost.hess_a, (a, y, v), shape)] if cost.hess_a else [])


def _calls(cost: Cost, points: _Points) -> list[Call]:
    calls, (_, z, y, v) = _plain_calls(cost, points), points
    shape = (z.shape[0], z.shape[1])
    for activation, pair in cost.pairs:
        a, after = activation.sigma(z), f"after {activation.name}"
        calls.append(Call(f"the pair's value {after}", pair.value, (z, y), shape[:1]))
        calls.append(Call(f"the pair's delta {after}", pair.delta, (z, a, y), shape))
        if pair.hess_z:
            calls.append(Call(f"hess_z {after}", pair.hess_z, (z, a, y, v), shape))
    return calls


def _extremes(cost: Cost, points: _Points) -> _Points:
    """Replace the outputs by the ends of their range."""
    xp = namespace(points.a)
    signs = xp.sign(points.v)
    if cost.targets in ("real", *_OF_ANY_NUMBERS):
        return points._replace(a=1e4 * signs)
    ends = 0.5 * (1.0 + signs)
    return points._replace(a=ends, y=ends if cost.targets == "unit" else points.y)


def _plain_rows(cost: Cost, points: _Points, tolerance: float) -> list[Row]:
    a, _, y, v = points
    value = _gradient(lambda a, y: cost.value(a, y), a, y)
    rows = [_by_sample("grad_a", cost.name, cost.grad_a(a, y), value, tolerance)]
    if cost.hess_a:
        moved = slope(lambda t: cost.grad_a(a + t * v, y))
        rows.append(_by_unit("hess_a", cost.name, cost.hess_a(a, y, v), moved, tolerance))
    return rows


def _pair_rows(
    cost: Cost, output: Activation, pair: Pair, points: _Points, tolerance: float
) -> list[Row]:
    """Compare value and delta with the plain value, and hess_z with delta."""
    _, z, y, v = points
    a, part = output.sigma(z), f"{cost.name} after {output.name}"
    plain = known(cost.value(a, y))
    differences = _gradient(lambda z, y: cost.value(output.sigma(z), y), z, y)
    place = lambda i: f"sample {i}"  # noqa: E731
    rows = [
        compared("pair's value", None, part, pair.value(z, y), plain, tolerance, place),
        _by_sample("pair's delta (BP1)", part, pair.delta(z, a, y), differences, tolerance),
    ]
    if pair.hess_z:
        moved = slope(lambda t: pair.delta(z + t * v, output.sigma(z + t * v), y))
        rows.append(_by_unit("hess_z", part, pair.hess_z(z, a, y, v), moved, tolerance))
    return rows


def _gradient(f: Callable[[Array, Array], Array], at: Array, y: Array) -> Slope:
    """Differentiate each sample's number ``f(at, y)`` with respect to `at`, unit by unit."""
    targets = tiled(y, at.shape[1])
    return slopes(lambda moved: f(moved, targets), at, unit_vectors(at))


def _by_sample(
    equation: str, part: str, given: Array, expected: Slope, tolerance: float
) -> Row:
    flat = namespace(given).reshape(given.mT, (-1,))
    return compared(equation, None, part, flat, expected, tolerance, by_sample(given.shape[0]))


def _by_unit(equation: str, part: str, given: Array, expected: Slope, tolerance: float) -> Row:
    return compared(equation, None, part, given, expected, tolerance, by_unit(given.shape[1]))
