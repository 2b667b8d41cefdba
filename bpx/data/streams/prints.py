"""Fingerprints of what a stream reads, from which another stream can be told."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from math import prod
from typing import IO, Any

import numpy as np

from bpx._spans import BLOCK, BLOCKS, WHOLE, spans
from bpx.data.streams.lazy import chunk_rows

__all__ = ["Print", "of_files", "of_rows"]

Print = dict[str, Any]
"""The properties of some data by name, as JSON values; ``blake2b`` is a hash of the content."""


def of_rows(x: Any) -> Print:
    """Return the shape, the dtype and a hash of rows that can be sliced.

    Of more than 64 MiB, a thousand blocks of rows are read and hashed, or as many bytes in
    fewer, but whole chunks, if that is how the rows are stored.
    """
    hashed, row = blake2b(digest_size=16), prod(x.shape[1:]) * x.dtype.itemsize
    block = max(BLOCK, (chunk_rows(x) or 0) * row)
    blocks = min(BLOCKS, max(2, WHOLE // block))
    for start, stop in spans(x.shape[0], row, WHOLE, block, blocks):
        rows = np.asarray(x[start:stop])
        hashed.update(rows.astype(rows.dtype.newbyteorder("="), copy=False).tobytes())
    return {
        "shape": [int(each) for each in x.shape],
        "dtype": x.dtype.name,
        "blake2b": hashed.hexdigest(),
    }


def of_files(files: Iterable[IO[bytes]], sizes: Sequence[int]) -> Print:
    """Return the number of files, their size, and a hash of about 64 MiB of their content.

    Of each file, it is all of its bytes, or its first and its last ones and some between.
    """
    hashed, count = blake2b(digest_size=16), max(1, len(sizes))
    for file, size in zip(files, sizes, strict=True):
        hashed.update(size.to_bytes(8, "little"))
        for start, stop in spans(size, 1, WHOLE // count, BLOCK, max(2, BLOCKS // count)):
            file.seek(start)
            hashed.update(file.read(stop - start))
    return {
        "number of files": len(sizes),
        "size in bytes": sum(sizes),
        "blake2b": hashed.hexdigest(),
    }
