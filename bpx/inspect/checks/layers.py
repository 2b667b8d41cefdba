"""Check the equations of layers other than Dense against differences of the forward pass.

For a random G in place of dC/da, the error that such a layer sends back (BP2) and its gradients
(BP4) are the derivatives of sum_x r_x G_x · a_x with respect to its input and its parameters.
For an `Add`, which ends a residual block, it is the error that reaches the block's input.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from bpx._typing import Array
from bpx.arrays.registry import namespace
from bpx.errors import InputError
from bpx.inspect.checks.differences import Slope, known, slope
from bpx.inspect.checks.point import Point, moved
from bpx.inspect.checks.report import Row, compared
from bpx.inspect.samples.layers import (
    Plain,
    along,
    individual,
    inner_product,
    squared_norms,
)
from bpx.layers.dense import Dense
from bpx.layers.layer import Context, learns
from bpx.layers.residual import Add
from bpx.model.passes import reached, sent_back
from bpx.model.run import Run, layer_by_layer
from bpx.program.contract import leaves, rebuilt

__all__ = ["layer_curvature_rows", "layer_rows"]

_DIRECTIONS = 4


class _Case:
    """One layer, with its input and a forward pass: in training, if that differs."""

    def __init__(self, point: Point, i: int) -> None:
        self.point, self.i, self.layer = point, i, point.spec.layers[i]
        self.number = i + 1
        self.entry: Any = point.parameters.layers[i]
        self.a_prev: Array = point.layers[i - 1].a if i else point.x
        self.r = point.draws.uniform(self.a_prev.shape[0], 1)
        in_training = self.layer.draws or self.layer.couples_samples
        self.context = _training(point.x, self.r) if in_training else Context()
        self.kept = self.forward(self.entry, self.a_prev)
        self.g = point.like(self.kept.a)
        self.delta = self.layer.error(self.kept, self.g)

    def forward(self, entry: Any, a_prev: Array) -> Any:
        return self.layer.forward(entry, a_prev, self.context)

    def compared(self, equation: str, given: Array, expected: Slope) -> Row:
        about = equation, self.number, self.layer.kind, given, expected
        return compared(*about, self.point.tolerance, "number {}".format)

    def way(self, tree: Any) -> Any:
        """Draw a random direction with the structure of a tree of arrays."""
        return rebuilt(tree, [self.point.like(x) for x in leaves(tree)])

    def learned(self, entry: Any) -> Any:
        """Return a direction of the parameters without those that the layer averages."""
        names = getattr(self.layer, "learned", entry._fields)
        return entry._replace(**{name: None for name in entry._fields if name not in names})


def layer_rows(point: Point) -> Iterator[Row]:
    """Yield rows for what each layer other than Dense sends back and learns."""
    for begin, ends in point.spec.skips.items():
        yield from (_block(point, begin, end) for end in ends)
    for case in _cases(point):
        yield _bp2(case)
        if learns(case.kept):
            yield _bp4(case)
            yield from _own(case)


def layer_curvature_rows(point: Point) -> Iterator[Row]:
    """Yield rows for the same equations differentiated once.

    Raises
    ------
    InputError
        If a layer was made without them; the message names it.
    """
    for case in _cases(point):
        if not hasattr(case.layer, "r_send_back"):
            raise InputError(
                f"layer {case.number}, {case.layer.kind!r}, was made without its equations "
                "differentiated once: see bpx.layers.Layer"
            )
        yield _r2(case)


def _cases(point: Point) -> Iterator[_Case]:
    for i, layer in enumerate(point.spec.layers):
        if not isinstance(layer, Dense | Add):
            yield _Case(point, i)


def _training(like: Array, r: Array) -> Context:
    """Return a context in which a layer draws, always the same, with row weights r."""
    xp, device = namespace(like), getattr(like, "device", None)
    key = xp.asarray((7, 11), dtype=xp.int32, device=device)
    return Context(True, key, xp.asarray((0,), dtype=xp.int32, device=device), r)


def _along(case: _Case, tree: Any, f: Callable[[Any], Array]) -> tuple[list[Any], Slope]:
    """Return some directions of a tree, and the derivatives of a number along them."""
    ways = [case.way(tree) for _ in range(_DIRECTIONS)]
    xp = namespace(case.g)
    return ways, slope(lambda t: xp.stack([f(moved(tree, way, t)) for way in ways]))


def _product(one: Any, other: Any) -> Array:
    xp = namespace(next(iter(leaves(one))))
    pairs = zip(leaves(one), leaves(other), strict=True)
    return xp.sum(xp.stack([xp.sum(a * b) for a, b in pairs]))


def _bp2(case: _Case) -> Row:
    """Compare r times the g for the layer below with differences as the input moves."""
    xp = namespace(case.g)

    def summed(fed: Any) -> Array:
        return xp.sum(case.r * case.g * case.forward(case.entry, fed[0]).a)

    ways, expected = _along(case, (case.a_prev,), summed)
    sent = case.r * case.layer.send_back(case.entry, case.kept, case.delta)
    given = xp.stack([_product((sent,), way) for way in ways])
    return case.compared("BP2", given, expected)


def _block(point: Point, begin: int, end: int) -> Row:
    """Compare the g that reaches a block with differences of sum G · a as its input moves."""
    spec, parameters, xp = point.spec.by_transpose(), point.parameters, namespace(point.x)
    run, a_prev = (
        Run(spec, parameters, point.layers, feedback=point.feedback),
        point.layers[begin - 1].a if begin else point.x,
    )
    g, ways = point.like(point.layers[end].a), [point.like(a_prev) for _ in range(_DIRECTIONS)]

    def summed(fed: Array) -> Array:
        from_below = {j: a for j, a in run.carried(begin).items() if j <= end}
        above = layer_by_layer(spec, parameters, fed, first=begin, carried=from_below)
        *_, last = islice(above, end + 1 - begin)
        return xp.sum(g * last.a)

    expected = slope(lambda t: xp.stack([summed(a_prev + t * way) for way in ways]))
    sent = reached(run, begin - 1, sent_back(run, g, end)[begin:])
    given = xp.stack([_product((sent,), (way,)) for way in ways])
    about = "BP2", end + 1, point.spec.layers[end].kind, given, expected
    return compared(*about, point.tolerance, "number {}".format)


def _bp4(case: _Case) -> Row:
    """Compare the gradients with differences of sum r G · a as the parameters move."""
    xp = namespace(case.g)

    def summed(entry: Any) -> Array:
        return xp.sum(case.r * case.g * case.forward(entry, case.a_prev).a)

    ways, expected = _along(case, case.entry, summed)
    gradients = case.kept.gradients(case.r, case.delta)
    given = xp.stack([_product(gradients, case.learned(way)) for way in ways])
    return case.compared("BP4", given, expected)


def _own(case: _Case) -> Iterator[Row]:
    """Check that each sample's own gradients, if any, weighted by r add up to BP4's.

    The layer's cheaper formulas, such as the norms, are compared with these gradients.
    """
    if case.layer.couples_samples or not hasattr(case.kept, "individual"):
        return
    kept, delta = case.kept, case.delta
    own = individual(kept, delta)
    for one, each in zip(leaves(kept.gradients(case.r, delta)), leaves(own), strict=True):
        xp = namespace(each)
        r = xp.reshape(case.r, (-1, *(1,) * (each.ndim - 1)))
        flat = xp.reshape(xp.sum(r * each, axis=0), (-1,))
        yield case.compared("own gradients", flat, known(xp.reshape(one, (-1,))))
    v, plain = case.way(case.entry), Plain(own)
    cheaper: dict[str, tuple[str, Callable[[Any], Array]]] = {
        "squared_norms": ("own norms", lambda of: squared_norms(of, delta)),
        "inner_products": ("own products", lambda of: inner_product(of, delta, of, delta)),
        "along": ("own slopes", lambda of: along(of, v, delta)),
    }
    reshape = namespace(delta).reshape
    for equation, made in (each for name, each in cheaper.items() if hasattr(kept, name)):
        given, expected = (reshape(made(of), (-1,)) for of in (kept, plain))
        yield case.compared(equation, given, known(expected))


def _r2(case: _Case) -> Row:
    """Compare R of the error sent back, as the parameters, the input and G all move."""
    layer, entry, kept = case.layer, case.entry, case.kept
    v, ra_prev, rg = case.way(entry), case.point.like(case.a_prev), case.point.like(case.g)

    def sent(t: float) -> Array:
        at = moved(entry, v, t)
        here = case.forward(at, case.a_prev + t * ra_prev)
        return layer.send_back(at, here, layer.error(here, case.g + t * rg))

    differentiated: Any = layer
    rmoved = differentiated.r_forward(entry, v, kept, ra_prev)
    rdelta = differentiated.r_error(kept, rmoved, case.g, rg)
    given = differentiated.r_send_back(entry, v, kept, rmoved, case.delta, rdelta)
    return case.compared("R2", given, slope(sent))
