"""Rows of samples of any library; those of a sparse matrix become dense in blocks."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from bpx.arrays.home import Home
from bpx.arrays.host import HostArray
from bpx.arrays.registry import namespace
from bpx.arrays.transfer import bring

__all__ = ["DENSE_BYTES", "blocks", "dense", "is_sparse", "rows_at_once", "taken", "targets"]

DENSE_BYTES = 1 << 26
"""The bytes of a sparse matrix's rows to make dense at a time."""


def is_sparse(x: Any) -> bool:
    """Whether x is a SciPy sparse matrix or array."""
    return hasattr(x, "toarray") and hasattr(x, "tocsr")


def taken(x: Any, picked: HostArray) -> Any:
    """Return the rows with these indices."""
    if is_sparse(x) or isinstance(x, np.ndarray):
        return x[picked]
    xp = namespace(x)
    return xp.take(x, xp.asarray(picked, device=getattr(x, "device", None)), axis=0)


def dense(x: Any, home: Home) -> Any:
    """Return samples at `home`, row after row in memory; a sparse matrix as a dense array."""
    if is_sparse(x):
        return home.asarray(x.toarray())
    # The columns of a DataFrame are often whole in memory, which other kernels would read.
    x = np.ascontiguousarray(x) if isinstance(x, np.ndarray) else x
    return bring(x, home, "X")


def targets(y: HostArray, home: Home) -> Any:
    """Return targets at `home`: labels as int32, numbers in its dtype."""
    return home.asarray(y, "int32" if y.dtype.kind == "i" else None)


def blocks(x: Any, home: Home) -> Iterator[Any]:
    """Yield samples at `home`: all at once or, if they are sparse, some rows at a time."""
    if not is_sparse(x):
        yield dense(x, home)
        return
    size = rows_at_once(x)
    for begin in range(0, x.shape[0], size):
        yield dense(x[begin : begin + size], home)


def rows_at_once(x: Any) -> int:
    """The number of rows of a sparse matrix to make dense at a time."""
    return max(1, DENSE_BYTES // (8 * max(1, int(x.shape[1]))))
