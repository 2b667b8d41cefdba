"""The simplification of a program, and its division into constants, views and work."""

from collections.abc import Iterable, Mapping
from typing import Any

from bpx.program.operation import MESSAGES, VIEWS, Operation, Value
from bpx.program.program import Program

__all__ = ["dense", "parted", "roots_of", "rows_viewed", "settled"]


def settled(program: Program) -> Program:
    """Simplify squares and products with 1; give each changed output its own operation."""
    replaced: dict[Any, Any] = {}
    operations: list[Operation] = []
    ones = {op.result for op in program.operations if op.name == "full" and op.operands[0] == 1}
    for op in program.operations:
        operands = tuple(replaced.get(v, v) for v in op.operands)
        alike = [v for v in operands if v in ones]
        other = [v for v in operands if v not in ones]
        if (
            op.name == "multiply"
            and len(alike) == len(other) == 1
            and _same(other[0], op.result)
        ):
            replaced[op.result] = other[0]
        elif op.name == "pow" and operands[1] == 2:
            operations.append(op._replace(name="square", operands=operands[:1]))
        else:
            same = operands == op.operands
            operations.append(op if same else op._replace(operands=operands))
    outputs: dict[Value, None] = {}
    computed = {op.result: op for op in operations if op.name not in VIEWS and op.values}
    for before, output in zip(program.state, program.outputs, strict=True):
        after = replaced.get(output, output)
        if after is not before and (after not in computed or after in outputs):
            copy = Value(after.shape, after.dtype)
            operations.append(Operation("copy", (after,), copy))
            after = copy
        outputs[after] = None
    return Program(program.state, program.data, program.rows, tuple(operations), tuple(outputs))


def _same(operand: Any, value: Value) -> bool:
    alike = isinstance(operand, Value) and operand.shape == value.shape
    return alike and operand.dtype == value.dtype


def parted(
    operations: Iterable[Operation],
) -> tuple[tuple[Operation, ...], dict[Value, Operation], tuple[Operation, ...]]:
    """Divide operations into constants, views, and the work of every step."""
    constants: dict[Value, Operation] = {}
    views: dict[Value, Operation] = {}
    work: list[Operation] = []
    for op in operations:
        if op.name not in MESSAGES and all(v in constants for v in op.values):
            constants[op.result] = op
        elif op.name in VIEWS and not (op.name == "reshape" and op.values[0] in views):
            views[op.result] = op
        else:
            work.append(op)
    return tuple(constants.values()), views, tuple(work)


def dense(v: Value, views: Mapping[Value, Operation]) -> bool:
    """Whether the elements are contiguous and in order, unlike those of a transpose."""
    if v not in views:
        return True
    op = views[v]
    (base,) = op.values
    if op.name == "matrix_transpose":
        return False
    parts = op.attribute("key", ())
    parts = parts if isinstance(parts, tuple) else (parts,)
    all_of_it = base.size == v.size  # as that of an index into an axis of one element
    kept = rows_viewed(op) is not None or all(
        each is None or each in (Ellipsis, slice(None)) or (all_of_it and isinstance(each, int))
        for each in parts
    )
    return kept and dense(base, views)


def rows_viewed(op: Operation) -> tuple[int, int] | None:
    """The rows, the first and the end, if a view is adjacent rows of an array, whole ones."""
    first, *others = op.attribute("key") or (None,)
    if not isinstance(first, slice) or any(
        each not in (Ellipsis, slice(None)) for each in others
    ):
        return None
    begin, end, step = first.indices(op.values[0].shape[0])
    return (begin, end) if step == 1 else None


def roots_of(views: Mapping[Value, Operation]) -> dict[Value, Value]:
    """The array that each view shares its memory with."""
    roots: dict[Value, Value] = {}
    for value, op in views.items():
        (base,) = op.values
        roots[value] = roots.get(base, base)
    return roots
