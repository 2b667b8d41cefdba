"""Check a network's equations, layer by layer, against numerical derivatives.

Every equation gets its own random inputs: BP2 a random delta of the layer above, BP3 and BP4 a
random delta of their layer. So a mistake in one layer does not spread to the others, and is
reported for its layer. The last row, the whole gradient, combines them.
"""

from collections.abc import Callable, Iterator
from functools import reduce
from operator import add
from typing import Any

from bpx import equations
from bpx._typing import Array
from bpx.arrays.registry import namespace
from bpx.arrays.transfer import move_to
from bpx.inspect.checks.costs import pair_rows
from bpx.inspect.checks.differences import (
    Slope,
    known,
    settled,
    slope,
    slopes,
    tiled,
    total,
    unit_vectors,
)
from bpx.inspect.checks.layers import layer_curvature_rows, layer_rows
from bpx.inspect.checks.point import Point, moved
from bpx.inspect.checks.report import Row, by_sample, by_unit
from bpx.inspect.curvature.products import hessian_vector_product
from bpx.inspect.samples.layers import along
from bpx.layers.layer import learns
from bpx.model.averages import averaged, learnable
from bpx.model.expected import as_targets
from bpx.model.parameters import Parameters
from bpx.model.passes import backprop, backward
from bpx.model.run import Run, costs, saved
from bpx.model.spec import check_apart
from bpx.program.contract import leaves, rebuilt

__all__ = ["curvature_rows", "network_rows"]

_UNITS = 32  # of a layer, varied one by one; in a wider layer, as many random sign vectors
_SUMMED = 64  # units of a layer whose z is summed by hand
_DIRECTIONS = 4  # of weights


def network_rows(point: Point) -> Iterator[Row]:
    """Yield rows for z, the cost's pair, BP1 to BP4, and the whole gradient."""
    layers = range(1, point.depth + 1)
    yield from (_forward(point, layer) for layer in layers)
    yield from _pair(point)
    yield _bp1(point)
    yield from (_bp2(point, layer) for layer in reversed(layers[:-1]) if point.meets(layer))
    yield from (_bp3(point, layer) for layer in layers if point.spec.dense[layer - 1].bias)
    yield from (_bp4(point, layer) for layer in layers)
    yield from layer_rows(point)
    yield _gradient(point)


def curvature_rows(point: Point) -> Iterator[Row]:
    """Yield rows for R1 and R2, BP1 and BP2 differentiated once, and for the Hessian's product.

    Raises
    ------
    InputError
        If a part was made without its second derivative, or couples the samples; the message
        names it.
    """
    check_apart(point.spec, "the Hessian")
    yield _r1(point)
    yield from (
        _r2(point, layer) for layer in reversed(range(1, point.depth)) if point.meets(layer)
    )
    yield from layer_curvature_rows(point)
    yield _hessian(point)


def _forward(point: Point, layer: int) -> Row:
    """Compare z^l with sums computed without a matrix product."""
    (w, b), a = point.weights(layer), point.a[layer - 1]
    each = -(-w.shape[0] // _SUMMED)
    sums = namespace(a).sum(a[:, None, :] * w[None, ::each, :], axis=2)
    sums = sums if b is None else sums + b[::each]
    z = equations.forward(w, b, a)[:, ::each]
    place = by_unit(z.shape[1])
    return point.compared("z", layer, z, known(sums), place)


def _pair(point: Point) -> list[Row]:
    spec = point.spec
    rows = pair_rows(spec.cost, spec.output, point.draws, point.tolerance)
    return [row._replace(layer=point.depth) for row in rows if row.equation != "hess_z"]


def _bp1(point: Point) -> Row:
    """Compare delta^L with differences of C_x with respect to z^L."""
    spec, z, y = point.spec, point.z[-1], point.y
    output = spec.output

    def of_z(z: Array) -> Array:
        return spec.cost.evaluate(output, z, output.sigma(z), tiled(y, z.shape[0] // n))

    n = z.shape[0]
    given = spec.cost.delta(output, z, point.a[-1], y)
    return _by_direction(point, "BP1", point.depth, given, of_z)


def _bp2(point: Point, layer: int) -> Row:
    """Compare delta^l with differences of sum(delta^{l+1} ∘ z^{l+1}) as z^l moves."""
    (_, z, a), sigma = point.own(layer), point.sigma(layer)
    w_next, b_next = point.weights(layer + 1)
    delta_next = point.like(point.z[layer])
    xp, n = namespace(z), z.shape[0]

    def sums(z: Array) -> Array:
        z_next = equations.forward(w_next, b_next, sigma.sigma(z))
        return xp.sum(tiled(delta_next, z.shape[0] // n) * z_next, axis=1)

    given = equations.bp2(sigma, z, a, w_next, delta_next)
    return _by_direction(point, "BP2", layer, given, sums)


def _by_direction(
    point: Point, equation: str, layer: int, delta: Array, f: Callable[[Array], Array]
) -> Row:
    """Compare a delta with differences of f as z^l moves by units or in random directions."""
    (n, k), z = delta.shape, point.z[layer - 1]
    ways = unit_vectors(z) if k <= _UNITS else point.draws.signs(_UNITS, k)
    given = namespace(z).reshape(ways @ delta.mT, (-1,))
    place = by_sample(n, "unit" if k <= _UNITS else "direction")
    return point.compared(equation, layer, given, slopes(f, z, ways), place)


def _bp3(point: Point, layer: int) -> Row:
    """Compare dC/db^l with differences of the weighted sum of delta^l ∘ z^l as b^l moves."""
    w, b = point.weights(layer)
    r, delta = _weighted(point, layer)
    ways = point.draws.normal(_DIRECTIONS, b.shape[0])
    found = slope(lambda t: _sums(point, layer, r, delta, w, b + t * ways))
    given = namespace(b).sum(equations.bp3(r, delta) * ways, axis=1)
    return point.compared("BP3", layer, given, found, _direction)


def _bp4(point: Point, layer: int) -> Row:
    """Compare dC/dw^l with differences of the same sum as w^l moves."""
    w, b = point.weights(layer)
    r, delta = _weighted(point, layer)
    ways = point.draws.normal(_DIRECTIONS, *w.shape)
    found = slope(lambda t: _sums(point, layer, r, delta, w + t * ways, b))
    gradient = equations.bp4(r, delta, point.a[layer - 1])
    given = namespace(w).sum(gradient * ways, axis=(1, 2))
    return point.compared("BP4", layer, given, found, _direction)


def _weighted(point: Point, layer: int) -> tuple[Array, Array]:
    """Draw random row weights r, a column, and errors delta^l."""
    delta = point.like(point.z[layer - 1])
    return point.draws.uniform(delta.shape[0], 1), delta


def _sums(point: Point, layer: int, r: Array, delta: Array, w: Array, b: Any) -> Array:
    """Compute sum_x r_x delta^l_x · z^l_x for several w^l or b^l: one per direction."""
    xp, a = namespace(w), point.a[layer - 1]
    k, shape = delta.shape[1], (_DIRECTIONS, *point.weights(layer)[0].shape)
    # One product computes all of them, as the units of one wide layer.
    wide = xp.reshape(xp.broadcast_to(w, shape), (-1, shape[2]))
    b = None if b is None else xp.reshape(xp.broadcast_to(b, shape[:2]), (-1,))
    z = equations.forward(wide, b, a)
    by_direction = xp.reshape(z, (z.shape[0], _DIRECTIONS, k))
    return xp.sum((r * delta)[:, None, :] * by_direction, axis=(0, 2))


def _gradient(point: Point) -> Row:
    """Compare the gradients of `bpx.backprop` with differences of the costs along all weights.

    Samples at a kink get the weight 0.
    """
    spec, parameters, xp = point.spec.by_transpose(), point.parameters, namespace(point.x)
    ways = [_everywhere(point) for _ in range(_DIRECTIONS // 2)]

    def along(way: Parameters, t: float) -> Array:
        return costs(spec, saved(spec, moved(parameters, way, t), point.x)[-1], point.y)

    found = slope(lambda t: xp.stack([along(way, t) for way in ways]))
    counts = settled(found, point.tolerance).all(axis=0) * 1.0
    r = move_to(counts[:, None], like=point.x)
    trace = backprop(spec, parameters, point.x, point.y, r=r)
    given = xp.stack([_dot(trace.gradients, learnable(spec, way)) for way in ways])
    return point.compared("gradient", None, given, total(found, 1, counts), _direction)


def _hessian(point: Point) -> Row:
    """Compare `hessian_vector_product` with differences of the samples' gradients.

    H v is compared with the change of u · (dC/dw) along v; samples at a kink get the weight 0.
    """
    spec, parameters, xp = point.spec.by_transpose(), point.parameters, namespace(point.x)
    pairs = [(_everywhere(point), _everywhere(point)) for _ in range(_DIRECTIONS // 2)]

    def products(u: Parameters, v: Parameters, t: float) -> Array:
        there = moved(parameters, v, t)
        layers = saved(spec, there, point.x)
        deltas = backward(Run(spec, there, layers, as_targets(spec, point.y, point.x)))
        each = zip(layers, u.layers, deltas, strict=True)
        return reduce(add, (along(*those)[:, 0] for those in each if learns(those[0])))

    found = slope(lambda t: xp.stack([products(u, v, t) for u, v in pairs]))
    counts = settled(found, point.tolerance).all(axis=0) * 1.0
    r, trace = (
        move_to(counts[:, None], like=point.x),
        backprop(spec, parameters, point.x, point.y),
    )
    given = [
        _dot(u, hessian_vector_product(spec, parameters, trace, point.y, v, r=r))
        for u, v in pairs
    ]
    return point.compared("Hessian", None, xp.stack(given), total(found, 1, counts), _direction)


def _everywhere(point: Point) -> Parameters:
    """Draw a direction of all parameters that changes every z about equally."""
    drawn = (
        (x.shape[-1] ** -0.5 if x.ndim > 1 else 1.0) * point.like(x)
        for x in leaves(point.parameters)
    )
    way: Parameters = rebuilt(point.parameters, drawn)
    still: Parameters = rebuilt(way, [namespace(x).zeros_like(x) for x in leaves(way)])
    return averaged(point.spec, still, way)  # averages stay where they are


def _dot(one: Parameters, other: Parameters) -> Array:
    """Sum all products; for a gradient and a direction, the derivative along it."""
    xp, pairs = namespace(one.like), zip(leaves(one), leaves(other), strict=True)
    return xp.sum(xp.stack([xp.sum(g * v) for g, v in pairs]))


def _direction(index: int) -> str:
    return f"direction {index}"


def _r1(point: Point) -> Row:
    cost, sigma, z, y = point.spec.cost, point.spec.output, point.z[-1], point.y
    v = point.like(z)
    given = cost.delta_derivative(sigma, z, point.a[-1], y, v)
    found = slope(lambda t: cost.delta(sigma, z + t * v, sigma.sigma(z + t * v), y))
    return _elements(point, "R1", point.depth, given, found)


def _r2(point: Point, layer: int) -> Row:
    (_, z, a), sigma = point.own(layer), point.sigma(layer)
    w, delta = point.weights(layer + 1)[0], point.like(point.z[layer])
    v, rdelta, rz = map(point.like, (w, delta, z))

    def bp2(t: float) -> Array:
        z_moved, a_moved = z + t * rz, sigma.sigma(z + t * rz)
        return equations.bp2(sigma, z_moved, a_moved, w + t * v, delta + t * rdelta)

    given = equations.r2(sigma, z, a, w, v, delta, rdelta, rz)
    return _elements(point, "R2", layer, given, slope(bp2))


def _elements(point: Point, equation: str, layer: int, given: Array, expected: Slope) -> Row:
    return point.compared(equation, layer, given, expected, by_unit(given.shape[1]))
