"""The places of a plan's arrays on the device, all in one block of memory, the arena.

Every address is then an offset that is known when the kernels are written, so that a kernel
takes only the arena. The arrays that change with each call, the data and the mini-batches'
indices, are found through a small table of addresses, the slots.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import NamedTuple

from bpx.program.operation import DType, Operation, Value
from bpx.program.plan import Plan
from bpx.program.program import Program
from bpx.program.standard import subscripts

__all__ = ["COUNTER", "ROWS", "Layout", "Place", "lay_out", "viewed"]

ALIGNMENT = 256
"""Bytes: the granularity of a GPU's allocations, which also suits matrix products."""

COUNTER, ROWS, DATA = 0, 1, 2
"""Slots: the number of a replay's first step; the index matrix; the arrays of the data."""


class Place(NamedTuple):
    """An array in the arena.

    Attributes
    ----------
    offset : int
        The offset of its first element, in bytes.
    dtype : DType
    shape : tuple of int
    strides : tuple of int
        The strides in elements.
    """

    offset: int
    dtype: DType
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def size(self) -> int:
        """The number of elements."""
        return prod(self.shape)

    @property
    def contiguous(self) -> bool:
        """Whether the elements are in order, without gaps."""
        steps = zip(self.shape, self.strides, _dense(self.shape), strict=True)
        return all(size == 1 or stride == dense for size, stride, dense in steps)

    @property
    def span(self) -> tuple[int, int]:
        """The bytes from the first element to the end of the last one in memory."""
        axes = zip(self.shape, self.strides, strict=True)
        ends = [(size - 1) * stride for size, stride in axes]
        first, last = sum(e for e in ends if e < 0), sum(e for e in ends if e > 0)
        size = self.dtype.itemsize
        return self.offset + first * size, self.offset + (last + 1) * size

    def reshaped(self, shape: Sequence[int]) -> "Place":
        """Return the same contiguous elements in another shape."""
        return Place(self.offset, self.dtype, tuple(shape), _dense(shape))


@dataclass
class Layout:
    """The arena of a plan.

    Attributes
    ----------
    places : dict of Value to Place
        All arrays in memory, including views. A value that lives only in registers has none.
    slots : dict of Value to int
        The arrays of the data that are only gathered from; they are not copied.
    state : tuple of Place
        The leaves of the state, in order.
    staged : dict of int to Place
        The other arrays of the data, by index, which each call copies in.
    size : int
        The bytes of the arena.
    """

    places: dict[Value, Place] = field(default_factory=dict)
    slots: dict[Value, int] = field(default_factory=dict)
    state: tuple[Place, ...] = ()
    staged: dict[int, Place] = field(default_factory=dict)
    size: int = 0

    def add(self, value: Value) -> Place:
        """Add a place at the end for a value that has none."""
        self.places[value] = place = self.reserve(value.shape, value.dtype)
        return place

    def reserve(self, shape: Sequence[int], dtype: DType) -> Place:
        """Reserve a new place at the end."""
        place = Place(self.size, dtype, tuple(shape), _dense(shape))
        self.size += _aligned(place.size * dtype.itemsize)
        return place


def lay_out(plan: Plan) -> Layout:
    """Give each array of a plan its place: state, scratch, constants, and staged data."""
    program, layout = plan.program, Layout()
    layout.state = tuple(layout.add(v) for v in program.state)
    for value, i in plan.states.items():
        layout.places[value] = layout.state[i]
    scratch, layout.size = layout.size, layout.size + _aligned(plan.scratch)
    for value, offset in plan.offsets.items():
        layout.places[value] = Place(
            scratch + offset, value.dtype, value.shape, _dense(value.shape)
        )
    for op in plan.constants:
        layout.add(op.result)
    read = {v for op in program.operations for v in _whole(op, program)}
    for i, value in enumerate(program.data):
        if value in read:
            layout.staged[i] = layout.add(value)
        else:
            layout.slots[value] = DATA + i
    if program.rows in read:
        layout.add(program.rows)
    for value, op in plan.views.items():
        layout.places[value] = viewed(layout.places[op.values[0]], op)
    return layout


def _whole(op: Operation, program: Program) -> set[Value]:
    """Return the values that an operation needs in the arena: not data gathered by the rows."""
    if op.name != "take":
        return set(op.values)
    source, indices = op.values
    gathered = {source} & set(program.data)
    return {source, indices} - gathered - {program.rows if source is not program.rows else None}


def viewed(base: Place, op: Operation) -> Place:
    """Return the place of a view: the same memory in another shape or with other strides."""
    if op.name == "matrix_transpose":
        return base._replace(shape=base.shape[::-1], strides=base.strides[::-1])
    if op.name == "getitem":
        return _item(base, op.attribute("key"))
    return base.reshaped(op.result.shape)


def _item(base: Place, key: object) -> Place:
    """Return the place of x[key], for integers, slices, None and the ellipsis."""
    axes = iter(zip(base.shape, base.strides, strict=True))
    offset, shape, strides = base.offset, list[int](), list[int]()
    for part in subscripts(key, len(base.shape)):
        if part is None:
            shape.append(1)
            strides.append(0)
            continue
        size, stride = next(axes)
        if isinstance(part, slice):
            chosen = range(*part.indices(size))
            shape.append(len(chosen))
            strides.append(stride * chosen.step)
            first = chosen.start
        else:
            assert isinstance(part, int)
            first = part % size
        offset += first * stride * base.dtype.itemsize
    return Place(offset, base.dtype, tuple(shape), tuple(strides))


def _dense(shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(prod(shape[i + 1 :]) for i in range(len(shape)))


def _aligned(nbytes: int) -> int:
    return -(-max(nbytes, 1) // ALIGNMENT) * ALIGNMENT
