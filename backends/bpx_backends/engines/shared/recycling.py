"""Reuse memory that no array refers to any more.

Fresh memory from the operating system costs more than a pass over it: each page is cleared
and, on some machines, fetched first. Training needs the same few sizes again and again.
"""

from dataclasses import dataclass
from math import prod
from threading import Lock

import numpy as np

from bpx.program.memory import ALIGNMENT

__all__ = ["empty", "release"]

LARGE = 1 << 17
"""The bytes from which memory is recycled; NumPy allocates smaller arrays as usual."""


def empty(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Return an uninitialized array, aligned to a cache line if it is large.

    When neither it nor a view of it is left, its memory is kept for reuse, until `release`.
    """
    nbytes = prod(shape) * np.dtype(dtype).itemsize
    if nbytes < LARGE:
        return np.empty(shape, dtype)
    return np.asarray(_Lease(_kept.take(nbytes)))[:nbytes].view(dtype).reshape(shape)


def release() -> None:
    """Return all free memory to the system, now and whenever more becomes free."""
    _kept.close()


@dataclass(frozen=True, eq=False)
class _Block:
    memory: np.ndarray


class _Kept:
    """The free blocks. A finalizer may return one at any moment, so that takes no lock."""

    def __init__(self) -> None:
        self.blocks: list[_Block] = []
        self.open = False
        self.lock = Lock()

    def take(self, nbytes: int) -> _Block:
        """Return the smallest free block that fits and is not half empty; else a new one."""
        self.open = True
        with self.lock:
            fitting = [b for b in tuple(self.blocks) if nbytes <= b.memory.size < 2 * nbytes]
            if fitting:
                block = min(fitting, key=lambda each: each.memory.size)
                self.blocks.remove(block)
                return block
        memory = np.empty(nbytes + ALIGNMENT, np.uint8)
        start = -memory.ctypes.data % ALIGNMENT
        return _Block(memory[start : start + nbytes])

    def give(self, block: _Block) -> None:
        if self.open:
            self.blocks.append(block)

    def close(self) -> None:
        with self.lock:
            self.open = False
            self.blocks.clear()


_kept = _Kept()


class _Lease:
    """A block in use, until NumPy drops the last array that refers to it."""

    def __init__(self, block: _Block) -> None:
        self.block, self.give = block, _kept.give
        self.__array_interface__ = block.memory.__array_interface__

    def __del__(self) -> None:
        self.give(self.block)
