"""Where the arrays of a program are in C, and how an element of one is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import mul
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bpx.export.c.text import literal, of_type, uniform
from bpx.program.operation import DType, Operation, Value
from bpx.program.program import apply
from bpx.program.standard import subscripts

__all__ = ["Constant", "Place", "Readable", "contiguous", "evaluated", "viewed"]


class Readable(Protocol):
    """An array of which an element can be read."""

    def at(self, indices: Sequence[str]) -> str:
        """Return the element as C.

        The indices belong to the last axes, as in broadcasting; those of axes of size 1 are
        not used.
        """


@dataclass(frozen=True)
class Place:
    """An array in memory: the name of its first element's array, and its strides.

    Attributes
    ----------
    base : str
    shape, strides : tuple of int
        The strides count elements.
    offset : int
    """

    base: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0

    def at(self, indices: Sequence[str]) -> str:
        """Return the element as C."""
        text = str(self.offset) if self.offset else ""
        axes = _aligned(indices, self.shape, self.strides)
        for index, size, stride in sorted(axes, key=lambda axis: -abs(axis[2])):
            if size > 1 and stride:
                step = index if abs(stride) == 1 else f"{index} * {abs(stride)}"
                text = f"{text} {'-' if stride < 0 else '+'} {step}" if text else step
        return f"{self.base}[{text or '0'}]"


@dataclass(frozen=True, eq=False)
class Constant:
    """An array that depends on no input.

    Equal numbers are written as literals, and counted ones as the index itself.

    Attributes
    ----------
    values : ndarray
    dtype : DType
    base : str
        The name of the array with the other values.
    """

    values: NDArray[Any]
    dtype: DType
    base: str

    @property
    def is_uniform(self) -> bool:
        """Whether all numbers are equal."""
        return uniform(self.values)

    @property
    def is_counted(self) -> bool:
        """Whether the numbers are 0, 1, 2, ... along the only axis with several."""
        whole = self.dtype.kind in ("signed integer", "unsigned integer")
        along = max(self.values.shape, default=0) == self.values.size
        return (
            whole and along and bool((self.values.ravel() == np.arange(self.values.size)).all())
        )

    @property
    def is_written(self) -> bool:
        """Whether the file holds the array."""
        return not (self.is_uniform or self.is_counted)

    def at(self, indices: Sequence[str]) -> str:
        """Return the element as C."""
        if self.is_uniform:
            return literal(self.values.flat[0], self.dtype)
        shape = self.values.shape
        if self.is_counted:
            pairs = _aligned(indices, shape, shape)
            (index,) = (index for index, size, _ in pairs if size > 1)
            return f"({of_type(self.dtype)}){index}"
        return Place(self.base, shape, contiguous(shape)).at(indices)


def _aligned(
    indices: Sequence[str], shape: tuple[int, ...], strides: tuple[int, ...]
) -> list[tuple[str, int, int]]:
    """Return the index of each axis, its size and its stride."""
    rank = min(len(shape), len(indices))
    last = indices[len(indices) - rank :], shape[len(shape) - rank :]
    return list(zip(*last, strides[len(strides) - rank :], strict=True))


def contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides of an array whose elements lie side by side, in order."""
    sizes = accumulate(reversed(shape[1:]), mul, initial=1)
    return tuple(reversed(tuple(sizes))) if shape else ()


def viewed(op: Operation, base: Place) -> Place:
    """Return the place of a view of another array."""
    shape = op.result.shape
    if op.name == "reshape":
        return Place(base.base, shape, contiguous(shape), base.offset)
    if op.name == "matrix_transpose":
        *others, one, other = base.strides
        return Place(base.base, shape, (*others, other, one), base.offset)
    strides, offset, axis = [], base.offset, 0
    for part in subscripts(op.attribute("key"), len(base.shape)):
        if part is None:
            strides.append(0)
            continue
        stride, size = base.strides[axis], base.shape[axis]
        axis += 1
        if isinstance(part, slice):
            start, _, step = part.indices(size)
            strides.append(step * stride)
            offset += start * stride
        else:
            offset += (part % size) * stride
    return Place(base.base, shape, tuple(strides), offset)


def evaluated(operations: Sequence[Operation]) -> Mapping[Value, NDArray[Any]]:
    """Compute the operations that depend on no input."""
    found: dict[Any, Any] = {}
    for op in operations:
        found[op.result] = apply(np, op, [found.get(each, each) for each in op.operands])
    return {value: np.asarray(each) for value, each in found.items()}
