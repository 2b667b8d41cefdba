"""One native call for a chunk of steps: it walks a table of instructions.

The text of this file is compiled like a kernel's, and kept in the same cache: see `native`,
which calls it, and `table`, which makes the tables.
"""

from typing import Any

import numba
from numba import float32

from bpx_backends.engines.numpy.addresses import (
    call,
    copy_bytes,
    float32_at,
    float64_at,
    int32_at,
    int64_at,
    product32,
    product64,
)
from bpx_backends.engines.numpy.bits import float64_of
from bpx_backends.engines.numpy.kinds import (
    ASK,
    COPY,
    KERNEL,
    PICK_32,
    PICK_64,
    PRODUCT_32,
    PRODUCT_64,
    ROWS,
    SCALED_32,
    SCALED_64,
)


@numba.njit(  # type: ignore[untyped-decorator]
    "int64(int64[:, ::1], int64, int64, int64, int64)",
    nogil=True,
    error_model="numpy",
    cache=True,
    no_cfunc_wrapper=True,
)
def kernel(table: Any, rows: int, stride: int, position: int, stop: int) -> int:
    """Run the instructions of a table up to a step, or to one that Python is asked for.

    Step i has the row indices at ``rows + i * stride``, an address. A position counts
    instructions from the first one of step 0. Returns that at which Python is asked, or that
    of the first instruction of the step `stop`.
    """
    size = table.shape[0]
    step, i = position // size, position % size
    while step < stop:
        picked = rows + step * stride
        while i < size:
            kind, a, b, c = table[i, 0], table[i, 1], table[i, 2], table[i, 3]
            if kind == KERNEL:
                call(a, b)
            elif kind == PRODUCT_32:
                product32(
                    a, b, c, table[i, 4], table[i, 5], table[i, 6],
                    float32(float64_of(table[i, 7])), table[i, 8], table[i, 9], table[i, 10],
                    table[i, 11], float32(float64_of(table[i, 12])), table[i, 13], table[i, 14],
                )  # fmt: skip
            elif kind == PRODUCT_64:
                product64(
                    a, b, c, table[i, 4], table[i, 5], table[i, 6],
                    float64_of(table[i, 7]), table[i, 8], table[i, 9], table[i, 10],
                    table[i, 11], float64_of(table[i, 12]), table[i, 13], table[i, 14],
                )  # fmt: skip
            elif kind == SCALED_32:
                product32(
                    a, b, c, table[i, 4], table[i, 5], table[i, 6],
                    float32(float64_of(table[i, 7])), table[i, 8], table[i, 9], table[i, 10],
                    table[i, 11], float32_at(table[i, 12])[0], table[i, 13], table[i, 14],
                )  # fmt: skip
            elif kind == SCALED_64:
                product64(
                    a, b, c, table[i, 4], table[i, 5], table[i, 6],
                    float64_of(table[i, 7]), table[i, 8], table[i, 9], table[i, 10],
                    table[i, 11], float64_at(table[i, 12])[0], table[i, 13], table[i, 14],
                )  # fmt: skip
            elif kind == PICK_32:
                indices = int32_at(picked + table[i, 5])
                for j in range(table[i, 4]):
                    copy_bytes(a + j * c, b + indices[j] * c, c)
            elif kind == PICK_64:
                indices = int64_at(picked + table[i, 5])
                for j in range(table[i, 4]):
                    copy_bytes(a + j * c, b + indices[j] * c, c)
            elif kind == COPY:
                copy_bytes(a, b, c)
            elif kind == ROWS:
                copy_bytes(a, picked, c)
            elif kind == ASK:
                return step * size + i
            i += 1
        step, i = step + 1, 0
    return stop * size


@numba.njit(  # type: ignore[untyped-decorator]
    "void(int64, int64)", nogil=True, error_model="numpy", cache=True, no_cfunc_wrapper=True
)
def once(calls: int, count: int) -> None:
    """Run kernels: at `calls` are the address of each, and that of its block."""
    pairs = int64_at(calls)
    for i in range(count):
        call(pairs[2 * i], pairs[2 * i + 1])
