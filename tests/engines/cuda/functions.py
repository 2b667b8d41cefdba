"""Steps that hold every function and reduction once."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

import bpx
from bpx.program.operation import DTYPES, Operation, Value
from bpx.program.plan import plan
from bpx.program.record import record
from bpx_backends.engines.cuda.layout import Layout, lay_out
from bpx_backends.engines.cuda.loops import Loop
from bpx_backends.engines.cuda.nests import loops_of
from bpx_backends.engines.cuda.schedule import fuses
from tests.engines.cuda.steps import Run


@dataclass(frozen=True)
class Compute:
    """A step that computes ``function(*data)`` into the state."""

    function: Callable[..., Any]

    def __call__(self, state, data, rows):
        return tuple(self.function(*data))


def computing(function, *arrays):
    """A step and its result by NumPy."""
    with np.errstate(all="ignore"):
        expected = [np.asarray(each) for each in function(*arrays)]
    state = tuple(np.zeros_like(each) for each in expected)
    rows = np.zeros((1, 1), "int32")
    return Run(Compute(function), state, arrays, rows), expected


FLOATS = [0.0, -0.0, 1.0, -1.0, 0.3, -2.5, 3.7, 1e-5, -88.5, 20.0, np.inf, -np.inf, np.nan]
UNARY = (
    "exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "sin", "cos", "tan", "sinh",
    "cosh", "tanh", "asin", "acos", "atan", "asinh", "acosh", "atanh", "abs", "negative",
    "positive", "sign", "square", "floor", "ceil", "round", "trunc", "isfinite", "isnan",
    "isinf",
)  # fmt: skip
BINARY = (
    "add", "subtract", "multiply", "divide", "pow", "maximum", "minimum", "hypot", "atan2",
    "copysign", "equal", "not_equal", "less", "less_equal", "greater", "greater_equal",
)  # fmt: skip


def floating(x, y):
    xp = bpx.namespace(x)
    yield from (getattr(xp, name)(x) for name in UNARY)
    yield from (getattr(xp, name)(x, y) for name in BINARY)
    yield from (0.1 * x, x + 2, 1 / x, x**3, -x, xp.maximum(x, 0.0), xp.minimum(x, 1e30))
    yield from (x > 0.1, xp.where(x > y, x, 0.5), xp.where(x > y, float("-inf"), y))
    yield from (xp.astype(x > y, x.dtype), xp.clip(x, -1.0, 1.0), x + float("nan"))
    kept = xp.where(xp.isfinite(x), xp.clip(x, -100.0, 100.0), 0.0)
    yield from (xp.astype(kept, xp.int32), xp.astype(kept, xp.bool), xp.astype(x, xp.float64))
    yield xp.astype(x, xp.float32)
    yield from (xp.logical_and(x > 0.0, y > 0.0), xp.logical_or(x > 0.0, y > 0.0))
    yield from (xp.logical_xor(x > 0.0, y > 0.0), xp.logical_not(x > 0.0))


def integral(x, y):
    xp = bpx.namespace(x)
    names = ("add", "subtract", "multiply", "maximum", "minimum", "bitwise_and", "bitwise_or",
             "bitwise_xor", *BINARY[-6:])  # fmt: skip
    yield from (getattr(xp, name)(x, y) for name in names)
    unary = ("abs", "negative", "positive", "sign", "square", "floor", "bitwise_invert")
    yield from (getattr(xp, name)(x) for name in unary)
    yield from (x * 3, 7 - x, x + 2**30, xp.where(x > y, x, -1), x == 3)
    small = xp.bitwise_and(y, 7)
    yield from (xp.bitwise_left_shift(x, small), xp.bitwise_right_shift(x, small), x**small)
    yield from (xp.astype(x, xp.float32), xp.astype(x, xp.float64), xp.astype(x, xp.int64))
    yield from (xp.astype(x, xp.int8), xp.astype(x, xp.uint16), xp.astype(x, xp.bool))


def reduced(x):
    xp = bpx.namespace(x)
    for axis, keepdims in product((0, 1, None), (False, True)):
        for name in ("max", "min"):
            yield getattr(xp, name)(x, axis=axis, keepdims=keepdims)
    yield xp.argmax(x, axis=1)
    yield xp.argmax(x, axis=1, keepdims=True)


def reduced_floats(x):
    xp = bpx.namespace(x)
    yield from reduced(x)
    for axis, keepdims in product((0, 1, None), (False, True)):
        yield xp.sum(x, axis=axis, keepdims=keepdims)
        yield xp.mean(x, axis=axis, keepdims=keepdims)
    # Phases: what a row's reduction gives goes into its elements, and is reduced again.
    e = xp.exp(x - xp.max(x, axis=1, keepdims=True))
    a = e / xp.sum(e, axis=1, keepdims=True)
    yield from (a, xp.sum(a, axis=0), xp.mean(a * x, axis=0), xp.sum(x, axis=0) * 2.0)
    yield xp.log(xp.sum(e, axis=1, keepdims=True)) + xp.max(x, axis=1, keepdims=True)
    yield xp.astype(xp.argmax(a, axis=1) > 1, x.dtype) + xp.mean(a, axis=1)


SHAPES = [(1, 1), (1, 7), (5, 1), (3, 10), (7, 32), (2, 33), (3, 100), (2, 1300), (70, 5),
          (2100, 3), (600, 33)]  # fmt: skip


def loops(function, *arrays):
    """The loops of the kernels of that step, with their places."""
    run, _ = computing(function, *arrays)
    planned = plan(record(run.step, run.state, run.data, run.rows[0]), fuses)
    layout = lay_out(planned)
    return [
        loop
        for kernel in planned.kernels
        for nest in kernel.nests
        for loop in loops_of(nest, frozenset(kernel.writes), layout)
    ]


def loop_of(name, domain, shape, **attributes):
    """The loop of one operation of a float32 array as large as the domain."""
    x, y = (Value(each, DTYPES["float32"]) for each in (domain, shape))
    layout = Layout()
    places = {v: layout.reserve(v.shape, v.dtype) for v in (x, y)}
    op = Operation(name, (x,), y, (*attributes.items(), ("keepdims", False)))
    return Loop(domain, [[op]], places, frozenset([y]))
