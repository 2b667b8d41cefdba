"""Static memory: the plan's scratch memory, as one array of C for each dtype.

C forbids reading the same bytes as two types. Arrays of one dtype share places as the plan has
them; those of several dtypes do not.
"""

from collections.abc import Mapping
from typing import NamedTuple

from bpx.program.operation import DType, Value

__all__ = ["Arena", "arenas"]


class Arena(NamedTuple):
    """The places of the values of one dtype, and the size of their array, in elements."""

    offsets: Mapping[Value, int]
    size: int


def arenas(offsets: Mapping[Value, int]) -> dict[DType, Arena]:
    """Return the arena of each dtype, from the offsets of a plan in bytes."""
    dtypes = dict.fromkeys(value.dtype for value in offsets)
    return {
        dtype: _arena({v: at for v, at in offsets.items() if v.dtype == dtype}, dtype.itemsize)
        for dtype in dtypes
    }


def _arena(placed: Mapping[Value, int], itemsize: int) -> Arena:
    """Move each range of values that lie across one another up to the range before it."""
    offsets, size = dict[Value, int](), 0
    begin = end = 0  # of the range, in bytes
    for value, at in sorted(placed.items(), key=lambda pair: pair[1]):
        if at >= end:
            size += (end - begin) // itemsize
            begin = end = at
        offsets[value] = size + (at - begin) // itemsize
        end = max(end, at + value.nbytes)
    return Arena(offsets, size + (end - begin) // itemsize)
