"""The products of the very BLAS that NumPy calls, by their addresses.

They are found through NumPy's extension module, whose libraries a look-up by name includes, so
that products run in the same library, with the same threads, as `numpy.matmul`. Each address is
tried with small products before it is used.
"""

import ctypes
import sys
from functools import cache
from importlib import import_module
from itertools import product
from typing import Any, NamedTuple

import numpy as np

__all__ = ["NO", "ROWS", "YES", "Blas", "Form", "find", "form", "gemm"]

ROWS = 101
"""CblasRowMajor."""
NO, YES = 111, 112
"""CblasNoTrans and CblasTrans."""

_NAMES = (
    "scipy_cblas_{}gemm64_",  # OpenBLAS of NumPy's wheels
    "cblas_{}gemm64_",  # OpenBLAS with 64-bit integers
    "cblas_{}gemm_64",  # MKL
    "cblas_{}gemm$NEWLAPACK$ILP64",  # Accelerate
    "cblas_{}gemm$NEWLAPACK",
    "scipy_cblas_{}gemm",
    "cblas_{}gemm",
)
"""The names of cblas's product, for s or d.

Sizes are passed as 64-bit integers to all of them. Where registers have 64 bits, those with
32-bit integers read the lower halves, which are the same numbers.
"""


class Blas(NamedTuple):
    """The addresses of ``cblas_sgemm`` and ``cblas_dgemm``, and the name of the former."""

    name: str
    float32: int
    float64: int

    def address(self, dtype: str) -> int:
        """Return the address of the product of a dtype."""
        return self.float32 if dtype == "float32" else self.float64


@cache
def find() -> Blas | None:
    """Return NumPy's BLAS; None if its products cannot be found, or are not what they seem."""
    library = _library() if sys.maxsize > 2**32 else None
    if library is None:
        return None
    for name in _NAMES:
        found = [_address(library, name.format(letter)) for letter in "sd"]
        if all(found):
            blas = Blas(name.format("s"), *(each or 0 for each in found))
            if all(_is_right(blas.address(dtype), dtype) for dtype in ("float32", "float64")):
                return blas
    return None


def _library() -> ctypes.CDLL | None:
    try:
        module = import_module("numpy._core._multiarray_umath")
        return ctypes.CDLL(module.__file__)
    except (ImportError, OSError):
        return None


def _address(library: ctypes.CDLL, name: str) -> int | None:
    try:
        function = getattr(library, name)
    except AttributeError:
        return None
    return ctypes.cast(function, ctypes.c_void_p).value


def gemm(address: int, dtype: str) -> Any:
    """Return the function at an address, as ctypes calls it."""
    size, pointer = ctypes.c_int64, ctypes.c_void_p
    real = ctypes.c_float if dtype == "float32" else ctypes.c_double
    kind = ctypes.c_int
    return ctypes.CFUNCTYPE(
        None, kind, kind, kind, size, size, size,
        real, pointer, size, pointer, size, real, pointer, size,
    )(address)  # fmt: skip


def _is_right(address: int, dtype: str) -> bool:
    """Whether small products, none of them square, are those of `numpy.matmul`."""
    function, (m, n, k) = gemm(address, dtype), (3, 5, 4)
    a = np.arange(m * k, dtype=dtype).reshape(m, k) - 5
    b = np.arange(k * n, dtype=dtype).reshape(k, n) % 7
    for first, second in product((NO, YES), repeat=2):
        left = a if first == NO else np.ascontiguousarray(a.T)
        right = b if second == NO else np.ascontiguousarray(b.T)
        out = np.ones((m, n), dtype)
        function(
            ROWS, first, second, m, n, k,
            2.0, left.ctypes.data, left.shape[1], right.ctypes.data, right.shape[1],
            3.0, out.ctypes.data, n,
        )  # fmt: skip
        if not np.array_equal(out, 2 * (a @ b) + 3):
            return False
    return True


class Form(NamedTuple):
    """How a matrix lies in memory: `NO` or, if it is a transposed one, `YES`; and its step."""

    flag: int
    step: int


def form(x: np.ndarray) -> Form | None:
    """Return how a matrix lies in memory; None if no product can read it there."""
    if x.flags.c_contiguous:
        return Form(NO, x.shape[1])
    return Form(YES, x.shape[0]) if x.T.flags.c_contiguous else None
