"""The elements of a program: arrays without values, and operations on them."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

__all__ = [
    "ACCUMULATE",
    "ALL_GATHER",
    "ALL_REDUCE",
    "DTYPES",
    "HALVES",
    "MESSAGES",
    "REDUCE_SCATTER",
    "SWAP_ROWS",
    "VIEWS",
    "DType",
    "Operand",
    "Operation",
    "Value",
    "constants",
    "dtype_of",
    "needed",
    "rows_of",
]


@dataclass(frozen=True)
class DType:
    """A dtype of the standard, independent of any library.

    Attributes
    ----------
    name : str
        Such as ``"float32"``.
    kind : {"bool", "signed integer", "unsigned integer", "real floating"}
        The name of its kind in `isdtype`.
    itemsize : int
        The size in bytes.
    """

    name: str
    kind: str
    itemsize: int

    def __str__(self) -> str:
        return self.name


DTYPES = {
    dtype.name: dtype
    for dtype in (
        DType("bool", "bool", 1),
        *(DType(f"int{8 * size}", "signed integer", size) for size in (1, 2, 4, 8)),
        *(DType(f"uint{8 * size}", "unsigned integer", size) for size in (1, 2, 4, 8)),
        DType("float16", "real floating", 2),
        DType("bfloat16", "real floating", 2),
        DType("float32", "real floating", 4),
        DType("float64", "real floating", 8),
    )
}


HALVES = ("bfloat16", "float16")
"""The names of the 16-bit floats; the standard has neither, and most libraries have both."""


def dtype_of(name: str) -> DType:
    """Return the dtype with that name; raise a KeyError if a program cannot hold it."""
    return DTYPES[name]


@dataclass(frozen=True, eq=False)
class Value:
    """One array of a program: an input, or the result of an operation.

    Attributes
    ----------
    shape : tuple of int
    dtype : DType
    name : str
        The place of an input: ``parameters.w[0]``, ``data.x``, ``rows``.
    """

    shape: tuple[int, ...]
    dtype: DType
    name: str = ""

    @property
    def size(self) -> int:
        """The number of elements."""
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The bytes of a contiguous array with this shape and dtype."""
        return self.size * self.dtype.itemsize


Operand = Value | bool | int | float
"""An argument of an operation: an array, or a Python number, which takes the array's dtype."""


class Operation(NamedTuple):
    """One call of a function of the standard.

    Attributes
    ----------
    name : str
        The standard's name of the function, or ``getitem``.
    operands : tuple of Operand
    result : Value
    attributes : tuple of (str, value)
        Keyword arguments (axis, keepdims, shape, dtype); hashable.
    origin : tuple of str or Call
        The functions that called it, the innermost first: the name of each, or the `Call` of
        a marked one (`bpx.program.marks`).
    """

    name: str
    operands: tuple[Operand, ...]
    result: Value
    attributes: tuple[tuple[str, Any], ...] = ()
    origin: tuple[Any, ...] = ()

    @property
    def values(self) -> tuple[Value, ...]:
        """The operands that are arrays."""
        return tuple([each for each in self.operands if isinstance(each, Value)])

    def attribute(self, name: str, default: Any = None) -> Any:
        """The value of a keyword argument."""
        return dict(self.attributes).get(name, default)

    @property
    def flops(self) -> int:
        """Floating-point operations: 2 m n k for a product, 1 for each element otherwise."""
        if self.name == "matmul":
            return 2 * self.result.size * self.values[0].shape[-1]
        if self.name in VIEWS or self.name in _MOVES:
            return 0
        return max(each.size for each in (*self.values, self.result))


# As with values, no operation equals another: to compare their fields would cost more than most
# of what is done with them.
Operation.__hash__ = object.__hash__  # type: ignore[method-assign]
Operation.__eq__ = object.__eq__  # type: ignore[method-assign]
Operation.__ne__ = object.__ne__  # type: ignore[method-assign]

ACCUMULATE = "accumulate"
"""The name of ``c + a @ b`` or, with a fourth operand, ``beta * c + a @ b``, for matrices.

Its attribute ``sign`` is 1, or -1 if the product is subtracted. No step asks for it: see
`bpx.program.accumulate`.
"""
ALL_REDUCE, REDUCE_SCATTER, ALL_GATHER = "all_reduce", "reduce_scatter", "all_gather"
SWAP_ROWS = "swap_rows"
"""The names of what the ranks of the attribute ``group`` do together: see `bpx.arrays.ranks`.

A sum, a sum of which each rank gets its rows, the array that has the rows of all, and, of two
ranks, each one's rows of the other's array. Those with the same ``bucket`` depend on each other
in no way, and are done in one go.
"""
MESSAGES = frozenset((ALL_REDUCE, REDUCE_SCATTER, ALL_GATHER, SWAP_ROWS))
"""All of these."""


def rows_of(rank: int, size: int, k: int) -> tuple[int, int]:
    """Return where a rank's rows begin and end, of k that `size` ranks divide."""
    return k * rank // size, k * (rank + 1) // size


VIEWS = frozenset(("matrix_transpose", "reshape", "getitem"))
"""Operations that compute nothing: their results are views of the same memory."""
_MOVES = frozenset(("take", "concat", "arange", "full", "astype", "broadcast_to", *MESSAGES))


def constants(operations: Iterable[Operation]) -> set[Value]:
    """The results that depend on no input."""
    found: set[Value] = set()
    for operation in operations:
        if found.issuperset(operation.values):
            found.add(operation.result)
    return found


def needed(operations: Iterable[Operation], outputs: Iterable[Value]) -> tuple[Operation, ...]:
    """Return the operations that the outputs depend on, in their order."""
    used, kept = set(outputs), []
    for operation in reversed(tuple(operations)):
        if operation.result in used:
            used.update(operation.values)
            kept.append(operation)
    return tuple(reversed(kept))
