"""Patterns of a program's operations, and the single operation that replaces each.

A pattern is a tree: the name of an operation, and its operands. An operand is a tree again, a
number that must match, or a letter for any operand. The replacement has a standard name, from
which the planner knows whether it is elementwise; its attribute ``native`` names the library's
function that does it in one call.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from bpx.program.operation import Operand, Operation, Value, constants, needed
from bpx.program.program import Program

__all__ = ["SIGMOID", "Bound", "Rule", "arrays", "rewritten"]

Bound = dict[str, Any]
"""The operands that match the letters of a pattern."""


def arrays(op: Operation, bound: Bound) -> bool:
    """Whether all are arrays of the result's dtype."""
    return all(isinstance(v, Value) and v.dtype == op.result.dtype for v in bound.values())


class Rule(NamedTuple):
    """A pattern and its replacement.

    Attributes
    ----------
    pattern : tuple
    name : str
        A standard name: for a product or a reduction, ``matmul`` or ``sum``.
    native : str
        The library's function.
    operands : str
        The letters of its operands, in order.
    fits : callable
        ``fits(operation, bound)``: whether the function takes these dtypes and shapes.
    alone : bool
        Whether the intermediate results must have no other use.
    attributes : tuple of (str, value)
    """

    pattern: tuple[Any, ...]
    name: str
    native: str
    operands: str
    fits: Callable[[Operation, Bound], bool] = arrays
    alone: bool = False
    attributes: tuple[tuple[str, Any], ...] = ()


SIGMOID = Rule(
    ("add", ("multiply", 0.5, ("tanh", ("multiply", 0.5, "z"))), 0.5),
    *("tanh", "sigmoid", "z"),
)


def rewritten(program: Program, rules: Iterable[Rule]) -> Program:
    """Return the same program, with each pattern replaced by its single operation."""
    uses = Counter([*program.outputs, *(v for op in program.operations for v in op.values)])
    maker = {op.result: op for op in program.operations}
    fixed = constants(program.operations)
    once = {value: op for value, op in maker.items() if uses[value] == 1}
    operations = [
        op if op.result in fixed else _replaced(op, rules, maker, once)
        for op in program.operations
    ]
    kept = needed(operations, program.outputs)
    return Program(program.state, program.data, program.rows, kept, program.outputs)


Makers = Mapping[Any, Operation]


def _replaced(op: Operation, rules: Iterable[Rule], maker: Makers, once: Makers) -> Operation:
    for rule in rules:
        bound = _match(rule.pattern, op, once if rule.alone else maker)
        if bound is not None and rule.fits(op, bound):
            operands = tuple(bound[letter] for letter in rule.operands)
            attributes = (*op.attributes, ("native", rule.native), *rule.attributes)
            return Operation(rule.name, operands, op.result, attributes, op.origin)
    return op


def _match(pattern: tuple[Any, ...], op: Operation | None, maker: Makers) -> Bound | None:
    """Return the operands that match the letters, or None if the operation does not match."""
    name, *parts = pattern
    if op is None or op.name != name or len(op.operands) != len(parts):
        return None
    bound: Bound = {}
    for part, operand in zip(parts, op.operands, strict=True):
        found = _match_operand(part, operand, maker)
        if found is None:
            return None
        bound |= found
    return bound


def _match_operand(part: Any, operand: Operand, maker: Makers) -> Bound | None:
    if isinstance(part, tuple):
        return _match(part, maker.get(operand), maker)
    if isinstance(part, str):
        return {part: operand}
    return {} if type(operand) is type(part) and operand == part else None
