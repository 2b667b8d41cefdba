"""The rules of the Array API standard for results: their dtypes, shapes and limits."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from bpx.errors import RecordingError
from bpx.program.operation import DType

__all__ = ["Finfo", "broadcast", "finfo", "indexed", "subscripts", "wider"]


def wider(a: DType, b: DType) -> DType:
    """The promoted dtype; raises RecordingError for an integer and a float."""
    if a.kind == b.kind and a.itemsize == b.itemsize and a.name != b.name:
        raise RecordingError(f"{a} was combined with {b}: use astype first")
    if a.kind == b.kind or "bool" in (a.kind, b.kind):
        return b if a.kind == "bool" or (b.kind == a.kind and b.itemsize > a.itemsize) else a
    raise RecordingError(f"{a} was combined with {b}: use astype first")


def broadcast(shapes: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    """The broadcast shape; raises RecordingError if there is none."""
    return _broadcast(tuple(shapes))


@lru_cache(maxsize=1024)
def _broadcast(shapes: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
    rank = max(map(len, shapes))
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    result = []
    for sizes in zip(*padded, strict=True):
        wide = set(sizes) - {1}
        if len(wide) > 1:
            raise RecordingError(f"shapes {shapes} cannot be broadcast")
        result.append(wide.pop() if wide else 1)
    return tuple(result)


def subscripts(key: Any, rank: int) -> list[Any]:
    """Expand the ellipsis of a key: one part for each axis, and None for a new axis."""
    parts = list(key) if isinstance(key, tuple) else [key]
    named = sum(part is not None and part is not Ellipsis for part in parts)
    if Ellipsis not in parts:
        parts.append(Ellipsis)
    at = parts.index(Ellipsis)
    return [*parts[:at], *[slice(None)] * (rank - named), *parts[at + 1 :]]


def indexed(shape: tuple[int, ...], key: Any) -> tuple[int, ...]:
    """The shape of x[key], for integers, slices, None and the ellipsis."""
    sizes, axis = [], 0
    for part in subscripts(key, len(shape)):
        if part is None:
            sizes.append(1)
        elif isinstance(part, slice):
            sizes.append(len(range(*part.indices(shape[axis]))))
            axis += 1
        elif type(part) is int:
            axis += 1
        else:
            raise RecordingError(
                f"an array was indexed by {type(part).__name__}; expected integers, slices, "
                "None, the ellipsis, or one array of integers"
            )
    return tuple(sizes)


_DIGITS = {
    "float16": (10, 15),
    "bfloat16": (7, 127),
    "float32": (23, 127),
    "float64": (52, 1023),
}
"""The digits of the mantissa after the point, and the largest exponent."""


class Finfo(NamedTuple):
    """The result of the standard's `finfo`."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: DType


def finfo(dtype: DType) -> Finfo:
    """The limits of a floating-point dtype."""
    digits, exponent = _DIGITS[dtype.name]
    largest = (2.0 - 2.0**-digits) * 2.0**exponent
    smallest = 2.0 ** (1 - exponent)
    return Finfo(8 * dtype.itemsize, 2.0**-digits, largest, -largest, smallest, dtype)
