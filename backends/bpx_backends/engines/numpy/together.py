"""Several arrays made at a time: the small ones share one block of memory.

The address of an array takes longer to ask for than a small array to make. In a block, all are
known from that of its beginning.
"""

from collections.abc import Sequence
from itertools import accumulate
from math import prod

import numpy as np

from bpx.program.memory import ALIGNMENT
from bpx_backends.engines.numpy.calls import address_of
from bpx_backends.engines.shared.recycling import LARGE, empty

__all__ = ["Together"]


class Together:
    """Makes uninitialized arrays of given shapes and dtypes: ``together()``.

    Parameters
    ----------
    kinds : sequence of pairs
        The shape and the dtype's name of each array. A large one has memory of its own, which
        is free as soon as nobody refers to it.
    """

    def __init__(self, kinds: Sequence[tuple[tuple[int, ...], str]]) -> None:
        self._kinds = [(shape, np.dtype(dtype)) for shape, dtype in kinds]
        sizes = [prod(shape) * dtype.itemsize for shape, dtype in self._kinds]
        self._small = [i for i, size in enumerate(sizes) if size < LARGE]
        rounded = (-(-sizes[i] // ALIGNMENT) * ALIGNMENT for i in self._small)
        *offsets, self._size = accumulate(rounded, initial=0)
        self._offsets = np.array(offsets, np.int64)
        self._views = [
            (*self._kinds[i], at) for i, at in zip(self._small, offsets, strict=True)
        ]
        self._large = sorted({*range(len(sizes))} - {*self._small})

    def __call__(self) -> tuple[list[np.ndarray], np.ndarray]:
        """Return the arrays, and their addresses: int64, shape (n,)."""
        block = np.empty(self._size + ALIGNMENT, np.uint8)
        begin = address_of(block)
        shift = -begin % ALIGNMENT
        small = [np.ndarray(s, dtype, block, shift + at) for s, dtype, at in self._views]
        if not self._large:
            return small, self._offsets + (begin + shift)
        arrays = dict(zip(self._small, small, strict=True))
        for i in self._large:
            shape, dtype = self._kinds[i]
            arrays[i] = empty(shape, dtype.name)
        ordered = [arrays[i] for i in range(len(arrays))]
        return ordered, np.array([address_of(each) for each in ordered], np.int64)
