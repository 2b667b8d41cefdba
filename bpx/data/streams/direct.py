"""Reading pages of a file past the system's page cache, straight into an array.

Through the cache, each byte is copied once more by the processor, which training needs; a file
that does not fit in the cache gains nothing from it. The disk itself writes only whole pages:
the memory must lie in its pages as the bytes lie in those of the file.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np

from bpx.data.split import HostArray

__all__ = ["PAGE", "aligned_rows", "read_pages", "whole_pages"]

PAGE = 4096
"""The bytes of a page, a multiple of the sectors of all usual disks."""


def aligned_rows(rows: int, each: int) -> int:
    """Return the most rows, of `each` bytes, up to so many, that fill whole pages.

    If not even the fewest that do are that few, it is `rows` itself.
    """
    fewest = PAGE // np.gcd(PAGE, max(1, each)).item()
    return max(1, rows // fewest) * fewest if rows >= fewest else rows


def whole_pages(position: int, memory: HostArray) -> slice | None:
    """Return the part of some bytes that lies in whole pages of a file and of the memory.

    Parameters
    ----------
    position : int
        The position of the first byte in the file.
    memory : uint8, shape (n,)
        Where the bytes go.

    Returns
    -------
    slice or None
        None if there is no such part.
    """
    first, last = -position % PAGE, memory.size - (position + memory.size) % PAGE
    if first >= last or (memory.ctypes.data - position) % PAGE:
        return None
    return slice(first, last)


def read_pages(path: Path, position: int, memory: HostArray) -> bool:
    """Fill memory with whole pages of a file, past the cache.

    Parameters
    ----------
    path : Path
    position : int
        A multiple of a page.
    memory : uint8, shape (n,)
        It begins with a page, and holds whole ones.

    Returns
    -------
    bool
        False if this system or file system cannot do it, or if the file is too short.
    """
    flag, read = getattr(os, "O_DIRECT", None), getattr(os, "preadv", None)
    if flag is None or read is None:
        return False
    whole: Any = memory
    left = memoryview(whole)
    try:
        file = os.open(path, os.O_RDONLY | flag | getattr(os, "O_CLOEXEC", 0))
    except OSError:
        return False
    try:
        while left:
            got = read(file, [left], position + memory.size - len(left))
            if not got or got % PAGE:
                return False
            left = left[got:]
    except OSError:
        return False
    finally:
        os.close(file)
    return True
