"""Compiled kernels and the driver, as Python calls them."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from logging import getLogger
from pathlib import Path
from typing import Any

import numpy as np

from bpx_backends.engines.numpy.blas import find
from bpx_backends.engines.numpy.calls import address_of
from bpx_backends.engines.numpy.compiling import loaded
from bpx_backends.engines.numpy.table import Unable, table

__all__ = ["NativeKernel", "drive", "once", "steps"]

_log = getLogger("bpx")
steps: Counter[str] = Counter()
"""How many steps of this process were driven, and how many were replayed one by one."""
_HERE = Path(__file__).parent


class NativeKernel:
    """A kernel's C function, which takes a block of int64 with its arguments.

    Parameters
    ----------
    text : str
        The text of a module, with the function ``kernel``.

    Attributes
    ----------
    address : int
    """

    def __init__(self, text: str) -> None:
        self._function = loaded(versioned(text)).kernel
        self.address = int(self._function.address)

    def block(self, part: int, parts: int, arrays: Sequence[np.ndarray]) -> np.ndarray:
        """Return the arguments of a call; the arrays must live as long as it is used."""
        return np.array([part, parts, *(address_of(each) for each in arrays)], np.int64)

    def bound(
        self, part: int, parts: int, arrays: Sequence[np.ndarray]
    ) -> tuple[Callable[[int, int], None], tuple[int, int], Any]:
        """Return a function and its arguments that run one part, and what must live as long."""
        block = self.block(part, parts, arrays)
        return once(), (self.address, address_of(block)), (block, arrays)

    def __call__(self, part: int, parts: int, *arrays: np.ndarray) -> None:
        """Run one part of the kernel."""
        block = self.block(part, parts, arrays)
        once()(self.address, address_of(block))


def drive(bound: Any, rows: np.ndarray, first: int, last: int) -> bool:
    """Run the steps from `first` to `last` in one call, without the GIL; False if impossible.

    Parameters
    ----------
    bound : Bound
    rows : int32 or int64, shape (steps, batch)
    """
    blas = find()
    try:
        if blas is None:
            raise Unable("NumPy's BLAS has none of the known names")
        made, asked = table(bound, rows, blas)
    except Unable as why:
        _log.debug("steps run instruction by instruction: %s", why)
        steps["replayed"] += last - first
        return False
    run, where, size = _driver().kernel, address_of(rows), len(made)
    position = first * size
    while (
        size and (position := run(made, where, rows.strides[0], position, last)) < last * size
    ):
        for function, arguments in asked[position % size]:
            function(*arguments)
        position += 1
    steps["driven"] += last - first
    return True


def once() -> Callable[[int, int], None]:
    """Return the function that runs a kernel: its address, and that of its block."""
    return _driver().once


@cache
def _driver() -> Any:
    return loaded(versioned((_HERE / "driver.py").read_text(encoding="utf-8")))


def versioned(text: str) -> str:
    """Return the text with the version of what it imports, which numba's cache does not see."""
    return f"{text}\n# {_version()}\n"


@cache
def _version() -> str:
    texts = [(_HERE / name).read_bytes() for name in ("addresses.py", "bits.py")]
    return hashlib.sha256(b"".join(texts)).hexdigest()[:16]
