"""Turn an operation of a program into PyTorch calls that write into a given tensor.

These are PyTorch's own functions: a wrapper that makes them follow the standard costs as much
as a small step's arithmetic.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import array_api_compat.torch
import torch

from bpx.program.operation import ACCUMULATE, DTYPES, Operation
from bpx.program.program import apply

__all__ = ["Call", "calls", "computed", "dtypes", "gathered"]

Call = Callable[[], Any]

dtypes = {name: getattr(torch, name) for name in DTYPES}
"""PyTorch's dtypes, by the names of the standard."""


def calls(op: Operation, operands: Sequence[Any], out: torch.Tensor) -> list[Call]:
    """Return the calls that compute an operation into `out`, without allocation if possible.

    Parameters
    ----------
    op : Operation
        An operation of the standard, or one with the attribute ``native``.
    operands : sequence of Tensor or Python number
    out : Tensor
        For an elementwise operation, it may be an operand, not part of one.
    """
    name = op.attribute("native", op.name)
    if name in _SPECIAL:
        return _SPECIAL[name](op, operands, out)
    if name in _SAME:
        function = getattr(torch, _SAME[name])
        return [partial(function, *_tensors(op, operands, out), out=out)]
    return [lambda: out.copy_(computed(op, operands, out.device))]


def computed(op: Operation, operands: Sequence[Any], device: torch.device) -> torch.Tensor:
    """Compute an operation as a new tensor or, for a view, on the same memory."""
    return apply(array_api_compat.torch, op, operands, device)


def _tensors(op: Operation, operands: Sequence[Any], out: torch.Tensor) -> list[Any]:
    # PyTorch would convert a number to a tensor at every call, slower than a small sum.
    dtype = out.dtype if op.name == "where" else dtypes[op.values[0].dtype.name]
    return [
        v if isinstance(v, torch.Tensor) else torch.full((), v, dtype=dtype, device=out.device)
        for v in operands
    ]


def _copy(op: Operation, operands: Sequence[Any], out: torch.Tensor) -> list[Call]:
    return [partial(out.copy_, operands[0])]


def _matmul(op: Operation, operands: Sequence[Any], out: torch.Tensor) -> list[Call]:
    return [partial(torch.mm if out.ndim == 2 else torch.matmul, *operands, out=out)]


def _accumulate(op: Operation, operands: Sequence[Any], out: torch.Tensor) -> list[Call]:
    c, a, b = operands  # PyTorch's own beta is a number of the host
    return [partial(torch.addmm, c, a, b, beta=1, alpha=op.attribute("sign"), out=out)]


def _concat(op: Operation, operands: Sequence[Any], out: torch.Tensor) -> list[Call]:
    return [partial(torch.cat, tuple(operands), op.attribute("axis"), out=out)]


def _addcmul(op: Operation, operands: Sequence[Any], out: torch.Tensor) -> list[Call]:
    return [partial(torch.addcmul, *operands, value=op.attribute("value"), out=out)]


def _threshold_backward(
    op: Operation, operands: Sequence[Any], out: torch.Tensor
) -> list[Call]:
    return [partial(torch.ops.aten.threshold_backward.grad_input, *operands, 0, grad_input=out)]


def _scaled_product(op: Operation, operands: Sequence[Any], out: torch.Tensor) -> list[Call]:
    r, delta, a = operands
    return [partial(torch.addmm, out, delta.mT, a, beta=0, alpha=r, out=out)]


def _scaled_sum(op: Operation, operands: Sequence[Any], out: torch.Tensor) -> list[Call]:
    r, delta = operands
    r = torch.full((), r, dtype=out.dtype, device=out.device)
    return [*_reduced(torch.sum)(op, [delta], out), partial(torch.mul, out, r, out=out)]


def gathered(x: torch.Tensor, rows: torch.Tensor, out: torch.Tensor) -> Call:
    """Return the call that gathers a mini-batch's rows, which are known to be in range."""
    return partial(torch.index_select, x, 0, rows, out=out)


def _reduced(function: Callable[..., Any]) -> Callable[..., list[Call]]:
    def reduce(op: Operation, operands: Sequence[Any], out: torch.Tensor) -> list[Call]:
        (x,), axis, keepdims = operands, op.attribute("axis"), op.attribute("keepdims")
        axes = tuple(range(x.ndim)) if axis is None else axis
        return [partial(function, x, axes, keepdims, out=out)]

    return reduce


def _argument(function: Callable[..., Any]) -> Callable[..., list[Call]]:
    def find(op: Operation, operands: Sequence[Any], out: torch.Tensor) -> list[Call]:
        axis, keepdims = op.attribute("axis"), op.attribute("keepdims")
        return [partial(function, *operands, axis, keepdims, out=out)]

    return find


_SAME = {
    name: name
    for name in (
        "abs", "acos", "acosh", "add", "asin", "asinh", "atan", "atan2", "atanh", "bitwise_and",
        "bitwise_left_shift", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "ceil",
        "copysign", "cos", "cosh", "divide", "exp", "expm1", "floor", "greater",
        "greater_equal", "hypot", "less", "less_equal", "log", "log10", "log1p", "log2",
        "logaddexp", "logical_and", "logical_not", "logical_or", "logical_xor", "maximum",
        "minimum", "multiply", "negative", "not_equal", "pow", "remainder", "round",
        "sin", "sinh", "sqrt", "square", "subtract", "tan", "tanh", "trunc", "where",
        "addmm", "sigmoid",
    )
} | {"equal": "eq", "bitwise_invert": "bitwise_not"}  # fmt: skip
"""PyTorch's names of elementwise functions, and of two functions of its own.

Its `sign` is not among them, since it gives 0 for NaN, against the standard.
"""

_SPECIAL: dict[str, Callable[..., list[Call]]] = {
    "matmul": _matmul,
    ACCUMULATE: _accumulate,
    "concat": _concat,
    "addcmul": _addcmul,
    "threshold_backward": _threshold_backward,
    "scaled_product": _scaled_product,
    "scaled_sum": _scaled_sum,
    "copy": _copy,
    "astype": _copy,
    "positive": _copy,
    "broadcast_to": _copy,
    "sum": _reduced(torch.sum),
    "mean": _reduced(torch.mean),
    "max": _reduced(torch.amax),
    "min": _reduced(torch.amin),
    "any": _reduced(torch.any),
    "all": _reduced(torch.all),
    "argmax": _argument(torch.argmax),
    "argmin": _argument(torch.argmin),
}
