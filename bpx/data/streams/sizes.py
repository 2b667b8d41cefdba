"""The sizes of blocks and windows, where the caller leaves them to bpx."""

from math import prod
from typing import Any

from bpx.data.streams.direct import aligned_rows
from bpx.data.streams.lazy import chunk_rows
from bpx.data.streams.source import Source

__all__ = ["BLOCK_BYTES", "WINDOW_BYTES", "row_bytes", "rows_of_block"]

BLOCK_BYTES = 2**22
WINDOW_BYTES = 2**26


def row_bytes(x: Any) -> int:
    """Return the bytes of one row of an array."""
    return int(prod(x.shape[1:]) * x.dtype.itemsize)


def rows_of_block(source: Source, each: int) -> int:
    """Return the samples of a block of about 4 MiB.

    Of an array in chunks, it is whole chunks, since no part of a chunk can be read alone: one
    at least, unless a chunk is larger than a window.

    Parameters
    ----------
    source : Source
    each : int
        The bytes of a sample.
    """
    rows = max(1, BLOCK_BYTES // each)
    x: Any = getattr(source, "x", None)
    if hasattr(x, "place"):
        return aligned_rows(rows, row_bytes(x))
    chunk = chunk_rows(x)
    if chunk is None or chunk * each > WINDOW_BYTES:
        return rows
    return max(1, rows // chunk) * chunk
