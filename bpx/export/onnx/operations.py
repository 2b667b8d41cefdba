"""Recorded operations as ONNX nodes, so that any activation can be exported.

An activation is recorded on a single row of units, (1, k), so that its graph takes any number
of rows: what it computes by broadcasting and along the last axis is the same for each row.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bpx.errors import InputError, RecordingError
from bpx.export.onnx.graph import Graph
from bpx.export.onnx.package import package
from bpx.program.operation import Operation, Value, constants, dtype_of
from bpx.program.record import record

__all__ = ["write_function"]

Write = Callable[..., str]


def write_function(
    graph: Graph, name: str, function: Callable[[Any], Any], width: int, z: str
) -> str:
    """Write ``a = function(z)`` for z of shape (n, width), by recording it.

    Raises
    ------
    InputError
        If the function does what a recording or ONNX has no operation for.
    """
    like = Value((1, width), dtype_of(graph.dtype.name))
    try:
        program = record(_Step(function), (like,), (), Value((1,), dtype_of("int64")))
    except RecordingError as error:
        raise InputError(f"the activation {name!r} cannot be exported: {error}") from error
    made = program.outputs[0]
    if made.shape != like.shape:
        raise InputError(
            f"the activation {name!r} makes {made.shape} of {like.shape}; expected the same "
            "shape"
        )
    held: dict[Any, Any] = {program.state[0]: z}
    for operation in program.operations:
        held[operation.result] = _written(graph, name, operation, held)
    if made not in constants(program.operations):
        return held[made]
    return graph.add("Expand", held[made], graph.add("Shape", z))  # it has a single row


class _Step:
    """A function of one array as a step, whose state it is."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def __call__(self, state: Any, data: Any, rows: Any) -> Any:
        return (self.function(state[0]),)


def _written(graph: Graph, name: str, operation: Operation, held: Mapping[Any, Any]) -> Any:
    write = OPERATIONS.get(operation.name)
    if write is None or not _is_of_a_row(operation):
        raise InputError(
            f"the activation {name!r} cannot be exported: it uses {operation.name!r}, for "
            f"which bpx writes no ONNX operator; expected {', '.join(sorted(OPERATIONS))}, "
            "reductions along the last axis"
        )
    operands = [_operand(operation, each, held) for each in operation.operands]
    return write(graph, operation, *operands)


def _is_of_a_row(operation: Operation) -> bool:
    """Whether a reduction goes along the last axis alone and keeps it."""
    if operation.name not in _REDUCTIONS:
        return True
    return operation.attribute("axis") == 1 and bool(operation.attribute("keepdims"))


def _operand(operation: Operation, given: Any, held: Mapping[Any, Any]) -> Any:
    """Return a value's name; a number as an array of the dtype that it takes there."""
    if isinstance(given, Value):
        return held[given]
    dtype = operation.result.dtype
    if dtype.kind == "bool":  # a comparison takes the dtype of what it compares
        dtype = operation.values[0].dtype
    return np.array(given, dtype.name)


def _node(op: str) -> Write:
    return lambda graph, operation, *inputs: graph.add(op, *inputs)


def _one(graph: Graph, operation: Operation) -> Any:
    return np.array(1, operation.result.dtype.name)


def _expm1(graph: Graph, operation: Operation, x: str) -> str:
    # exp(x) - 1 = tanh(x/2) (exp(x) + 1), without cancellation near 0.
    half = graph.add("Mul", x, np.array(0.5, operation.result.dtype.name))
    beside = graph.add("Add", graph.add("Exp", x), _one(graph, operation))
    return graph.add("Mul", graph.add("Tanh", half), beside)


def _log1p(graph: Graph, operation: Operation, x: str) -> str:
    # Exact to the rounding of 1 + x, which is absolute.
    return graph.add("Log", graph.add("Add", x, _one(graph, operation)))


def _square(graph: Graph, operation: Operation, x: str) -> str:
    return graph.add("Mul", x, x)


def _not_equal(graph: Graph, operation: Operation, x: str, y: str) -> str:
    return graph.add("Not", graph.add("Equal", x, y))


def _astype(graph: Graph, operation: Operation, x: str) -> str:
    to = package().helper.np_dtype_to_tensor_dtype(np.dtype(operation.result.dtype.name))
    return graph.add("Cast", x, to=to)


def _full(graph: Graph, operation: Operation, value: Any) -> Any:
    return np.full(operation.result.shape, value)


def _reduced(op: str) -> Write:
    def write(graph: Graph, operation: Operation, x: str) -> str:
        if op == "ReduceSum" or graph.opset >= 18:
            return graph.add(op, x, np.array([-1]), keepdims=1)
        return graph.add(op, x, axes=[-1], keepdims=1)

    return write


_REDUCTIONS: dict[str, Write] = {
    "max": _reduced("ReduceMax"),
    "mean": _reduced("ReduceMean"),
    "min": _reduced("ReduceMin"),
    "prod": _reduced("ReduceProd"),
    "sum": _reduced("ReduceSum"),
}
OPERATIONS: dict[str, Write] = {
    "abs": _node("Abs"),
    "acos": _node("Acos"),
    "acosh": _node("Acosh"),
    "add": _node("Add"),
    "asin": _node("Asin"),
    "asinh": _node("Asinh"),
    "astype": _astype,
    "atan": _node("Atan"),
    "atanh": _node("Atanh"),
    "ceil": _node("Ceil"),
    "cos": _node("Cos"),
    "cosh": _node("Cosh"),
    "divide": _node("Div"),
    "equal": _node("Equal"),
    "exp": _node("Exp"),
    "expm1": _expm1,
    "floor": _node("Floor"),
    "full": _full,
    "greater": _node("Greater"),
    "greater_equal": _node("GreaterOrEqual"),
    "isinf": _node("IsInf"),
    "isnan": _node("IsNaN"),
    "less": _node("Less"),
    "less_equal": _node("LessOrEqual"),
    "log": _node("Log"),
    "log1p": _log1p,
    "logical_and": _node("And"),
    "logical_not": _node("Not"),
    "logical_or": _node("Or"),
    "logical_xor": _node("Xor"),
    "maximum": _node("Max"),
    "minimum": _node("Min"),
    "multiply": _node("Mul"),
    "negative": _node("Neg"),
    "not_equal": _not_equal,
    "positive": _node("Identity"),
    "pow": _node("Pow"),
    "round": _node("Round"),
    "sign": _node("Sign"),
    "sin": _node("Sin"),
    "sinh": _node("Sinh"),
    "sqrt": _node("Sqrt"),
    "square": _square,
    "subtract": _node("Sub"),
    "tan": _node("Tan"),
    "tanh": _node("Tanh"),
    "where": _node("Where"),
    **_REDUCTIONS,
}
"""How to write each recorded operation: one line adds another."""
