"""Turn a plan into a schedule: the items that a step puts on a GPU's stream, in order.

A product adds a bias itself if nothing else uses the product.
"""

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from bpx.errors import RecordingError
from bpx.program.fusion import REDUCTIONS, Kernel, Nest, can_fuse
from bpx.program.instructions import Exchange
from bpx.program.operation import ACCUMULATE, Operation, Value
from bpx.program.plan import Plan
from bpx_backends.engines.cuda.exchanges import copies, vector
from bpx_backends.engines.cuda.expressions import ELEMENTWISE, TYPES
from bpx_backends.engines.cuda.gather import gather, pick
from bpx_backends.engines.cuda.items import (
    Call,
    Item,
    Launch,
    Product,
    Sum,
    matrix_order,
    merged,
    parts,
)
from bpx_backends.engines.cuda.joins import joined
from bpx_backends.engines.cuda.layout import Layout, Place, lay_out
from bpx_backends.engines.cuda.loops import Function, Loop
from bpx_backends.engines.cuda.nests import launches, loops_of, splitted

__all__ = ["Schedule", "check_ranks", "fuses", "schedule"]


@dataclass(frozen=True)
class Schedule:
    """The items that one step puts on the stream.

    Attributes
    ----------
    plan : Plan
    layout : Layout
    items : tuple of Launch, Product, Call or Sum
    """

    plan: Plan
    layout: Layout
    items: tuple[Item, ...]

    @property
    def launches(self) -> tuple[Launch, ...]:
        """The launches among the items."""
        return tuple(each for each in self.items if isinstance(each, Launch))

    @property
    def products(self) -> tuple[Product, ...]:
        """The matrix products among the items."""
        return tuple(each for each in self.items if isinstance(each, Product))

    @property
    def parts(self) -> dict[range, bool]:
        """Its sums over the ranks, and what is between them: see `parts`."""
        return parts(self.items)

    @property
    def capturable(self) -> bool:
        """Whether a graph can hold it: not if it has library calls, since these allocate."""
        return not any(isinstance(each, Call) for each in self.items)


def fuses(op: Operation) -> bool:
    """Whether an operation can be part of a kernel on a GPU."""
    known = op.name in ELEMENTWISE or op.name in REDUCTIONS
    return known and can_fuse(op) and _is_flat(op) and _has_types(op)


def check_ranks(plan: Plan) -> None:
    """Raise RecordingError for products of stacks of matrices, which have no schedule.

    Raises
    ------
    RecordingError
        If there is one; the message names the function that asked for it.
    """
    for op in plan.program.operations:
        if op.name in ("matmul", "matrix_transpose") and not _is_flat(op):
            shapes = " and ".join(str(v.shape) for v in op.values)
            raise RecordingError(
                f"{op.origin[0] if op.origin else 'a step'} asked for {op.name} of arrays of "
                f"shape {shapes}; on CuPy, products of stacks of matrices, as with several "
                "networks at once, are not compiled"
            )


def schedule(plan: Plan, *, bias: bool = True) -> Schedule:
    """Order a plan's items for the stream.

    Parameters
    ----------
    plan : Plan
        A plan made with `fuses`.
    bias : bool, optional
        Whether a product may add the bias itself.
    """
    return _Scheduler(plan, bias).schedule()


class _Scheduler:
    """Puts a plan's instructions on the stream, one by one."""

    def __init__(self, plan: Plan, bias: bool) -> None:
        self.plan, self.layout = plan, lay_out(plan)
        self.biases = _biases(plan, self.layout) if bias else {}
        self.items: list[Item] = []

    def schedule(self) -> Schedule:
        rows = self.plan.program.rows
        if rows in self.layout.places:
            self.items.append(Launch((pick(self.layout.places[rows]),)))
        for instruction in self.plan.instructions:
            if isinstance(instruction, Kernel):
                self._kernel(instruction)
            elif isinstance(instruction, Exchange):
                self._exchange(instruction)
            elif _is_product(instruction):
                self._product(instruction)
            elif instruction.name == "take":
                self.items.append(Launch((self._gather(instruction),)))
            elif instruction.name == "concat" and _is_flat(instruction):
                self.items.append(Launch((self._joined(instruction),)))
            else:
                self._alone(instruction)
        for i, value in self.plan.copies:
            self._copy(self.layout.places[value], self.layout.state[i])
        return Schedule(self.plan, self.layout, tuple(merged(self.items)))

    def _kernel(self, kernel: Kernel) -> None:
        stores, nests = frozenset(kernel.writes), map(self._without_biases, kernel.nests)
        loops = (loop for nest in nests for loop in loops_of(nest, stores, self.layout))
        self.items.extend(launches(loops))

    def _without_biases(self, nest: Nest) -> Nest:
        """Return a nest without the sums that products compute."""

        def done(op: Operation) -> Operation:
            summed = op in self.biases
            return Operation("copy", (self.biases[op].product,), op.result) if summed else op

        return Nest(nest.domain, [[done(op) for op in phase] for phase in nest.phases])

    def _product(self, op: Operation) -> None:
        *old, a, b = (self._matrix(self.layout.places[v]) for v in op.values)
        out = self.layout.places[op.result]
        if old and old[0] != out:
            self._copy(old[0], out)
        bias = next((s.bias for s in self.biases.values() if s.product is op.result), None)
        self.items.append(Product(a, b, out, bias, op.attribute("sign", 0)))

    def _matrix(self, place: Place) -> Place:
        """Return a place that a product can read: rows or columns without gaps."""
        if matrix_order(place) is not None:
            return place
        return self._dense(place)

    def _dense(self, place: Place) -> Place:
        """Return a place without gaps, in a copy if necessary."""
        if place.contiguous:
            return place
        dense = self.layout.reserve(place.shape, place.dtype)
        self._copy(place, dense)
        return dense

    def _gather(self, op: Operation) -> Function:
        source, indices = op.values
        places, slots = self.layout.places, self.layout.slots
        by_rows = indices is self.plan.program.rows
        return gather(
            places[op.result],
            slots[source] if source in slots else self._dense(places[source]),
            source.shape[0],
            None if by_rows else self._dense(places[indices]),
            indices.dtype,
            source.dtype,
        )

    def _joined(self, op: Operation) -> Function:
        parts, out = [self.layout.places[v] for v in op.values], self.layout.places[op.result]
        return joined(parts, out, op.attribute("axis"))

    def _exchange(self, each: Exchange) -> None:
        if len(each.sums) < len(each.operations):
            raise RecordingError("updates in parts are not compiled on CuPy")
        for own, total in copies(self.layout, each):
            self._copy(own, total)
        self.items.append(Sum(each.group, vector(self.plan, self.layout, each)))

    def _alone(self, op: Operation) -> None:
        """Schedule an operation outside kernels, as its own loop or as a call."""
        places = self.layout.places
        alone = _flattened(op, self.layout)
        if alone is None:
            operands = tuple(places[v] if isinstance(v, Value) else v for v in op.operands)
            self.items.append(Call(op, operands, places[op.result]))
            return
        loop = Loop(_domain(alone), [[alone]], places, frozenset((alone.result,)))
        self.items.extend(launches(splitted(loop, self.layout)))

    def _copy(self, source: Place, target: Place) -> None:
        """Copy one array over another, which has no gaps."""
        shape = (source.size,) if source.contiguous else source.shape
        old, new = Value(shape, source.dtype), Value(shape, target.dtype)
        places = {
            old: source.reshaped(shape) if source.contiguous else source,
            new: target.reshaped(shape),
        }
        copy = Operation("copy", (old,), new)
        loop = Loop(_domain(copy), [[copy]], places, frozenset((new,)))
        self.items.extend(launches([loop]))


class _Sum(NamedTuple):
    """A product, and the bias that is the only addition to it."""

    product: Value
    bias: Place


def _biases(plan: Plan, layout: Layout) -> dict[Operation, _Sum]:
    """Find sums ``p + b`` of a product without other uses and a vector that is ready."""
    program = plan.program
    uses = Counter(v for op in program.operations for v in op.values)
    uses.update(program.outputs)
    lone = (op for op in plan.instructions if isinstance(op, Operation))
    products = {op.result for op in lone if op.name == "matmul"}
    ready = {*program.state, *(op.result for op in plan.constants)}
    found = {}
    for op in (op for kernel in plan.kernels for op in kernel.operations):
        pairs = (op.values, op.values[::-1]) if op.name == "add" else ()
        for p, b in (each for each in pairs if len(each) == 2):
            alone = p in products and uses[p] == 1
            at_hand = plan.roots.get(b, b) in ready and layout.places[b].contiguous
            if alone and at_hand and _is_bias(op, p, b):
                found[op] = _Sum(p, layout.places[b])
    return found


def _is_bias(op: Operation, p: Value, b: Value) -> bool:
    vector = b.shape[-1:] == p.shape[1:] and b.size == p.shape[1]
    return vector and p.dtype.name == b.dtype.name == "float32" and op.result.shape == p.shape


def _is_product(op: Operation) -> bool:
    return op.name in ("matmul", ACCUMULATE) and op.result.dtype.kind == "real floating"


def _is_flat(op: Operation) -> bool:
    """Whether all its arrays are vectors or matrices."""
    return all(len(v.shape) <= 2 for v in (*op.values, op.result))


def _has_types(op: Operation) -> bool:
    return all(v.dtype.name in TYPES for v in (*op.values, op.result))


def _domain(op: Operation) -> tuple[int, int]:
    """Return n and k of a lone operation: see `bpx.program.fusion`."""
    shape = op.values[0].shape if op.name in REDUCTIONS else op.result.shape
    if len(shape) == 2 and (op.name in REDUCTIONS or shape[1] != 1):
        return shape[0], shape[1]
    return 1, op.result.size


def _flattened(op: Operation, layout: Layout) -> Operation | None:
    """Return a lone operation in a form that a loop can hold, or None."""
    places = layout.places
    if not _has_types(op):
        return None
    if op.name in REDUCTIONS and op.attribute("axis") is None:
        return _over_all(op, layout)
    if op.name in REDUCTIONS:
        return op if can_fuse(op) and _is_flat(op) else None
    if op.name == "reshape" and len(op.values[0].shape) <= 2:
        (source,) = op.values
        target = Value(source.shape, source.dtype)
        places[target] = places[op.result].reshaped(source.shape)
        return Operation("copy", (source,), target)
    return op if _is_flat(op) and op.name in ELEMENTWISE else None


def _over_all(op: Operation, layout: Layout) -> Operation | None:
    """Turn a reduction of a whole array into that of a single row."""
    (source,) = op.values
    places = layout.places
    if not places[source].contiguous:
        return None
    row, result = Value((1, source.size), source.dtype), Value((1,), op.result.dtype)
    places[row] = places[source].reshaped(row.shape)
    places[result] = places[op.result].reshaped((1,))
    return Operation(op.name, (row,), result, (("axis", 1),))
