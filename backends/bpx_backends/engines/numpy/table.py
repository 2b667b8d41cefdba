"""A plan bound to arrays, as a table of instructions for the driver."""

import ctypes
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from bpx.program.fusion import Kernel
from bpx.program.operation import Operation
from bpx_backends.engines.numpy.blas import NO, YES, Blas
from bpx_backends.engines.numpy.calls import Call

__all__ = ["Asked", "Unable", "address_of", "table"]

KERNEL, PRODUCT_32, PRODUCT_64, PICK_32, PICK_64, COPY, ROWS, ASK = range(8)
"""The kinds of instructions, as in `driver`."""
FEW = 64
"""The most matrices of a stack that are multiplied one by one."""
WIDTH = 16
"""The numbers in an instruction."""

_PICKS = {"int32": PICK_32, "int64": PICK_64}
Instruction = tuple[int, ...]


def address_of(x: np.ndarray) -> int:
    """Return the address of an array; `ndarray.ctypes` would leave objects behind."""
    found: int = x.__array_interface__["data"][0]
    return found


class Unable(Exception):  # noqa: N818 - nothing is wrong
    """The driver cannot run a plan."""


class _Other(Exception):  # noqa: N818
    """The driver has no instruction for an operation, which Python is then asked for."""


class Asked:
    """Python functions that the driver calls, and the first exception of one of them.

    Attributes
    ----------
    stopped : int64, shape (1,)
        1 after an exception: the driver ends.
    error : BaseException or None
    """

    def __init__(self) -> None:
        self.stopped = np.zeros(1, np.int64)
        self.error: BaseException | None = None
        self._kept: list[Any] = []

    def __call__(self, calls: Sequence[Call]) -> Instruction:
        """Return an instruction that makes some calls."""

        def answer(_: int) -> None:
            try:
                for function, arguments in calls:
                    function(*arguments)
            except BaseException as error:  # also Ctrl-C: ctypes would only print it
                self.error = error
                self.stopped[0] = 1

        answering = _ANSWER(answer)
        self._kept.append((answering, calls))
        address = ctypes.cast(answering, ctypes.c_void_p).value or 0
        return ASK, address, address_of(self.stopped)


_ANSWER = ctypes.CFUNCTYPE(None, ctypes.c_int64)


def table(bound: Any, rows: np.ndarray, blas: Blas, asked: Asked) -> np.ndarray:
    """Return the instructions of one step, int64, shape (n, 16).

    Parameters
    ----------
    bound : Bound
        Its arrays, and the blocks of arguments that it keeps, must live as long as the table.
    rows : int32 or int64, shape (steps, batch)
    blas : Blas
    asked : Asked
        It must live as long, too.

    Raises
    ------
    Unable
    """
    if rows.ndim != 2 or not rows.flags.c_contiguous or rows.dtype.name not in _PICKS:
        raise Unable(f"row indices of {rows.dtype}, or that are not adjacent")
    plan = bound.compiled.plan
    found: list[Instruction] = []
    if not bound.compiled.only_gathers:
        picked = bound.inputs[plan.program.rows]
        found.append((ROWS, address_of(picked), 0, picked.nbytes))
    for each in plan.instructions:
        if isinstance(each, Kernel):
            found += _kernel(bound, each, asked)
            continue
        try:
            found += _operation(bound, each, rows, blas)
        except _Other:
            found.append(asked(bound.one(each)))
    for i, v in plan.copies:
        found.append(_copied(bound.fresh[i], bound.find(v), asked))
    out = np.zeros((len(found), WIDTH), np.int64)
    for row, numbers in zip(out, found, strict=True):
        row[: len(numbers)] = numbers
    return out


def _kernel(bound: Any, kernel: Kernel, asked: Asked) -> Iterator[Instruction]:
    fused, moves, arrays = bound.prepared(kernel)
    if min(fused.parts, bound.workers.threads) > 1:
        raise Unable("a kernel in parts, which several threads run")
    for place, old in moves:
        yield _copied(place, old, asked)
    block = fused.function.block(0, 1, arrays)
    bound.kept.append((block, arrays))
    yield KERNEL, fused.function.address, address_of(block)


def _operation(bound: Any, op: Operation, rows: np.ndarray, blas: Blas) -> list[Instruction]:
    operands, out = [bound.find(v) for v in op.operands], bound.find(op.result)
    if op.name == "matmul":
        a, b = operands
        return _products(a, b, out, blas)
    if op.name == "take" and bound.compiled.plan.picks(op):
        x, indices = operands
        picked = bound.inputs[bound.compiled.plan.program.rows]
        if indices.ndim != 1 or not (indices.flags.c_contiguous and x.flags.c_contiguous):
            raise Unable("rows that are not adjacent, or picked by indices that are not")
        begin = (address_of(indices) - address_of(picked)) // picked.itemsize
        begin, size = begin * rows.dtype.itemsize, x.nbytes // len(x)
        kind = _PICKS[rows.dtype.name]
        return [(kind, address_of(out), address_of(x), size, len(indices), begin)]
    raise _Other


def _copied(to: np.ndarray, source: np.ndarray, asked: Asked) -> Instruction:
    same = to.shape == source.shape and to.dtype == source.dtype
    if same and to.flags.c_contiguous and source.flags.c_contiguous:
        return COPY, address_of(to), address_of(source), to.nbytes
    return asked([Call(np.copyto, (to, source))])


def _products(a: np.ndarray, b: np.ndarray, out: np.ndarray, blas: Blas) -> list[Instruction]:
    if a.ndim == b.ndim == out.ndim == 3 and len(a) == len(b) == len(out) <= FEW:
        return [_product(*each, blas) for each in zip(a, b, out, strict=True)]
    return [_product(a, b, out, blas)]


def _product(a: np.ndarray, b: np.ndarray, out: np.ndarray, blas: Blas) -> Instruction:
    dtype = out.dtype.name
    kind = {"float32": PRODUCT_32, "float64": PRODUCT_64}.get(dtype)
    alike = a.ndim == b.ndim == out.ndim == 2 and a.dtype == b.dtype == out.dtype
    if kind is None or not alike or not out.flags.c_contiguous or not (a.size and b.size):
        raise _Other
    (first, lda), (second, ldb) = _form(a), _form(b)
    (m, n), k = out.shape, a.shape[1]
    return (
        kind, blas.address(dtype), first, second, m, n, k,
        _bits(1.0), address_of(a), lda, address_of(b), ldb, _bits(0.0), address_of(out), n,
    )  # fmt: skip


def _form(x: np.ndarray) -> tuple[int, int]:
    """Whether a matrix is a transposed one in memory, and the length of its rows there."""
    if x.flags.c_contiguous:
        return NO, x.shape[1]
    if x.T.flags.c_contiguous:
        return YES, x.shape[0]
    raise _Other


def _bits(number: float) -> int:
    return int(np.float64(number).view(np.int64))
