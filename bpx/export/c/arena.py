"""Static memory: the plan's scratch memory, as one array of C for each dtype.

C forbids reading the same bytes as two types. Arrays of one dtype share places as the plan has
them; those of several dtypes do not.
"""

from collections.abc import Iterable, Mapping

from bpx.program.operation import DType, Value

__all__ = ["Arena", "arenas"]


class Arena:
    """The places of values of one dtype, in elements.

    Attributes
    ----------
    offsets : mapping of Value to int
    size : int
    """

    def __init__(self, placed: Mapping[Value, int]) -> None:
        self.offsets: dict[Value, int] = {}
        self.size = 0
        begin = end = 0  # in bytes, of the range that the last values shared
        for value in sorted(placed, key=lambda v: placed[v]):
            at = placed[value]
            if at >= end:  # nothing lies across: what follows moves up
                self.size += _elements(value.dtype, end - begin)
                begin = end = at
            self.offsets[value] = self.size + (at - begin) // value.dtype.itemsize
            end = max(end, at + value.nbytes)
        self.size += (end - begin) // max(1, _itemsize(placed))


def _elements(dtype: DType, nbytes: int) -> int:
    return nbytes // dtype.itemsize


def _itemsize(placed: Iterable[Value]) -> int:
    return next((value.dtype.itemsize for value in placed), 1)


def arenas(offsets: Mapping[Value, int]) -> dict[DType, Arena]:
    """Return the arena of each dtype, from the offsets of a plan in bytes."""
    dtypes = dict.fromkeys(value.dtype for value in offsets)
    return {
        dtype: Arena({v: at for v, at in offsets.items() if v.dtype == dtype})
        for dtype in dtypes
    }
