"""Codes: whole numbers for categories, and the rows of a table that belong to them.

A table E has the rows of all columns of codes, one column below the other. All of this is in
functions that a recording holds.
"""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

from bpx.arrays.registry import namespace

__all__ = ["looked_up", "nearest", "one_hot", "rows"]


def rows(levels: Sequence[int]) -> tuple[slice, ...]:
    """Return the rows of E that belong to each column, from the columns' numbers of codes."""
    return tuple(slice(*ends) for ends in pairwise([0, *accumulate(levels)]))


def nearest(x: Any, levels: Sequence[int]) -> Any:
    """Return the codes in x, (n, columns), as int32: for each number the nearest code."""
    xp = namespace(x)
    within = xp.clip(x, 0.0, float(max(levels)))  # int32 does not hold every float
    rounded = xp.astype(xp.floor(within + 0.5), xp.int32)
    return xp.clip(rounded, 0, _int32(rounded, [size - 1 for size in levels]))


def looked_up(E: Any, codes: Any, levels: Sequence[int]) -> Any:
    """Return the rows of E for codes, (n, columns), side by side: (n, columns * dim)."""
    xp, dim = namespace(E), E.shape[-1]
    at = codes + _int32(codes, [each.start for each in rows(levels)])
    if E.ndim > 2:  # several networks: their tables, too, are below one another
        device = getattr(codes, "device", None)
        networks = xp.arange(E.shape[0], dtype=xp.int32, device=device)
        at = at + E.shape[-2] * networks[:, None, None]
    found = xp.take(xp.reshape(E, (-1, dim)), xp.reshape(at, (-1,)), axis=0)
    return xp.reshape(found, (*at.shape[:-1], len(levels) * dim))


def one_hot(codes: Any, size: int, like: Any) -> Any:
    """Return the one-hot vectors of a column of codes, (n, size), with the dtype of `like`."""
    xp, device = namespace(like), getattr(like, "device", None)
    return xp.astype(codes == xp.arange(size, dtype=xp.int32, device=device), like.dtype)


def _int32(like: Any, numbers: Sequence[int]) -> Any:
    xp, device = namespace(like), getattr(like, "device", None)
    return xp.concat([xp.full((1,), n, dtype=xp.int32, device=device) for n in numbers])
