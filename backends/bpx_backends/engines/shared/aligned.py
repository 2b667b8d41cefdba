"""Host memory that begins in a cache line.

JAX copies memory that does not before it uses it, and the bits of MKL's products depend on it.
NumPy aligns its arrays to 16 bytes.
"""

from typing import Any

import numpy as np

from bpx.program.memory import ALIGNMENT

__all__ = ["aligned"]


def aligned(x: Any, dtype: str) -> np.ndarray:
    """Copy a host array into new, C-contiguous memory that begins in a cache line."""
    x = np.asarray(x)
    nbytes = x.size * np.dtype(dtype).itemsize
    memory = np.empty(nbytes + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    own = memory[start : start + nbytes].view(dtype).reshape(x.shape)
    own[...] = x
    return own
