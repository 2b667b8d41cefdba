"""Turn an operation of a program into NumPy calls that write into a given array."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from bpx.program.operation import ACCUMULATE, Operation, Value
from bpx.program.program import apply
from bpx_backends.engines.numpy.blas import ROWS, find, form, gemm

__all__ = ["Call", "address_of", "calls", "gathered"]


class Call(NamedTuple):
    """A function and its arguments."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]


def address_of(x: np.ndarray) -> int:
    """Return the address of an array; `ndarray.ctypes` would leave objects behind."""
    found: int = x.__array_interface__["data"][0]
    return found


def calls(op: Operation, operands: Sequence[Any], out: np.ndarray) -> list[Call]:
    """Return the calls that compute an operation into `out`, without allocation if possible.

    Parameters
    ----------
    op : Operation
    operands : sequence of ndarray or Python number
    out : ndarray
        For an elementwise operation other than `where`, it may be an operand, not part of one.
    """
    if op.name in _SPECIAL:
        return _SPECIAL[op.name](op, operands, out)
    function = getattr(np, op.name, None)
    if isinstance(function, np.ufunc):
        like = op.values[0]
        numbers = [_cheap(v, like, out) for v in operands]
        if function in (np.maximum, np.minimum):  # they take the output by keyword
            return [Call(partial(function, out=out), tuple(numbers))]
        return [Call(function, (*numbers, out))]
    return [Call(_assign, (out, op, tuple(operands)))]


def _cheap(operand: Any, like: Value, out: np.ndarray) -> Any:
    """Convert single numbers to zero-dimensional arrays, which NumPy's loops take fastest."""
    if not isinstance(operand, np.ndarray):
        return np.array(operand, like.dtype.name)
    return operand.reshape(()) if operand.size == 1 < out.size else operand


def _assign(out: np.ndarray, op: Operation, operands: tuple[Any, ...]) -> None:
    out[...] = apply(np, op, operands)


def _matmul(op: Operation, operands: Sequence[Any], out: np.ndarray) -> list[Call]:
    # For two matrices, dot has less overhead.
    return [Call(np.dot if out.ndim == 2 else np.matmul, (*operands, out))]


def _accumulate(op: Operation, operands: Sequence[Any], out: np.ndarray) -> list[Call]:
    c, a, b, *beta = operands
    start = Call(np.multiply, (*beta, c, out)) if beta else Call(np.copyto, (out, c))
    product = Call(_add_product, (op.attribute("sign"), a, b, out))
    return [product] if c is out and not beta else [start, product]


def _add_product(sign: int, a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    """Add a @ b to `out`, or subtract it, in place."""
    blas, first, second = find(), form(a), form(b)
    if blas and first and second and out.flags.c_contiguous and a.size and b.size:
        (m, n), k, dtype = out.shape, a.shape[1], out.dtype.name
        gemm(blas.address(dtype), dtype)(
            ROWS, first.flag, second.flag, m, n, k, sign, address_of(a), first.step,
            address_of(b), second.step, 1.0, address_of(out), n,
        )  # fmt: skip
    else:
        out += sign * (a @ b)


def _take(op: Operation, operands: Sequence[Any], out: np.ndarray) -> list[Call]:
    x, indices = operands
    return [Call(x.take, (indices, 0, out, "raise"))]


def gathered(x: np.ndarray, rows: np.ndarray, out: np.ndarray) -> Call:
    """Return the call that gathers a mini-batch's rows, which are known to be in range."""
    return Call(x.take, (rows, 0, out, "clip"))


def _copy(op: Operation, operands: Sequence[Any], out: np.ndarray) -> list[Call]:
    return [Call(np.copyto, (out, operands[0], "unsafe"))]


def _where(op: Operation, operands: Sequence[Any], out: np.ndarray) -> list[Call]:
    condition, a, b = operands
    return [
        Call(np.copyto, (out, b, "unsafe")),
        Call(np.copyto, (out, a, "unsafe", condition)),
    ]


def _concat(op: Operation, operands: Sequence[Any], out: np.ndarray) -> list[Call]:
    return [Call(np.concatenate, (tuple(operands), op.attribute("axis"), out))]


def _reduced(function: np.ufunc) -> Callable[..., list[Call]]:
    def reduce(op: Operation, operands: Sequence[Any], out: np.ndarray) -> list[Call]:
        axis, keepdims = op.attribute("axis"), op.attribute("keepdims")
        return [Call(function.reduce, (operands[0], axis, None, out, keepdims))]

    return reduce


def _mean(op: Operation, operands: Sequence[Any], out: np.ndarray) -> list[Call]:
    count = np.array(operands[0].size // max(out.size, 1), out.dtype)
    return [*_reduced(np.add)(op, operands, out), Call(np.divide, (out, count, out))]


def _argument(name: str) -> Callable[..., list[Call]]:
    def find(op: Operation, operands: Sequence[Any], out: np.ndarray) -> list[Call]:
        if op.attribute("keepdims") or op.attribute("axis") is None:
            return [Call(_assign, (out, op, tuple(operands)))]
        return [Call(getattr(operands[0], name), (op.attribute("axis"), out))]

    return find


_SPECIAL: dict[str, Callable[..., list[Call]]] = {
    "matmul": _matmul,
    ACCUMULATE: _accumulate,
    "take": _take,
    "concat": _concat,
    "copy": _copy,
    "astype": _copy,
    "broadcast_to": _copy,
    "where": _where,
    "sum": _reduced(np.add),
    "prod": _reduced(np.multiply),
    "max": _reduced(np.maximum),
    "min": _reduced(np.minimum),
    "any": _reduced(np.logical_or),
    "all": _reduced(np.logical_and),
    "mean": _mean,
    "argmax": _argument("argmax"),
    "argmin": _argument("argmin"),
}
