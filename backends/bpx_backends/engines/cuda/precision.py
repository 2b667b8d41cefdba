"""The precision of matrix products: operands are cast, and sums stay in float32."""

from collections.abc import Callable, Set
from dataclasses import replace
from typing import get_args

from bpx.errors import InputError
from bpx.program.contract import Precision
from bpx.program.operation import DType, Operation, Value, constants, needed
from bpx.program.plan import Plan, plan
from bpx.program.program import Program

__all__ = ["HALF", "PRECISIONS", "Shapes", "check_precision", "in_precision"]

PRECISIONS: tuple[Precision, ...] = get_args(Precision)
"""The choices: ``float32`` is the stored dtype; the others are for networks in float32."""

HALF = {name: DType(name, "real floating", 2) for name in ("float16", "bfloat16")}

Shapes = tuple[tuple[int, ...], tuple[int, ...]]
"""The shapes of a product's factors."""


def check_precision(precision: str) -> str:
    """Return the given precision.

    Raises
    ------
    InputError
        If it is not one of `PRECISIONS`.
    """
    if precision not in PRECISIONS:
        raise InputError(
            f"precision={precision!r} was given; expected one of {', '.join(PRECISIONS)}"
        )
    return precision


def in_precision(
    made: Plan,
    precision: str,
    fuses: Callable[[Operation], bool],
    wide: Set[Shapes] = frozenset(),
) -> Plan:
    """Return the plan with the operands of its products in this precision.

    Products of the shapes in `wide` keep float32, since there is no algorithm for them.

    Raises
    ------
    InputError
        If the products are not float32 and another precision is chosen.
    """
    products = [op for op in made.program.operations if op.name == "matmul"]
    other = next((op for op in products if op.result.dtype.name != "float32"), None)
    if precision != "float32" and other is not None:
        raise InputError(
            f"precision={precision!r} was given for a network in {other.result.dtype}; "
            "it is for networks in float32"
        )
    if precision not in HALF:
        return made
    return plan(_cast(made.program, HALF[precision], wide), fuses)


def _cast(program: Program, dtype: DType, wide: Set[Shapes]) -> Program:
    """Return a program in which products read their operands in another dtype."""
    makers = {op.result: op for op in program.operations}
    fixed = constants(program.operations)
    narrow: dict[Value, Value] = {}
    operations: list[Operation] = []

    def narrowed(v: Value) -> Value:
        if v not in narrow:
            narrow[v] = Value(v.shape, dtype)
            maker = makers.get(v)
            if maker is not None and maker.name == "matrix_transpose":
                operations.append(
                    Operation("matrix_transpose", (narrowed(maker.values[0]),), narrow[v])
                )
            else:
                cast = Operation("astype", (v,), narrow[v], (("dtype", dtype),))
                operations.append(cast)
        return narrow[v]

    for op in program.operations:
        kept = fixed & set(op.values) or tuple(v.shape for v in op.values) in wide
        if op.name == "matmul" and not kept:
            op = op._replace(operands=tuple(narrowed(v) for v in op.values))
        operations.append(op)
    return replace(program, operations=needed(operations, program.outputs))
