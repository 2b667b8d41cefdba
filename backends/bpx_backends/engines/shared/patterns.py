"""Patterns of a program's operations, and the one operation that each becomes.

A pattern is a tree: an operation's name and its operands, each a tree again, a number that
must be there, or a letter for an operand that is taken. The operation that it becomes keeps
a name of the standard, by which the planner knows whether it works element by element; its
attribute ``native`` names what the library does in one call.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from bpx.program.operation import Operand, Operation, Value, constants, needed
from bpx.program.program import Program

__all__ = ["SIGMOID", "Bound", "Rule", "arrays", "rewritten"]

Bound = dict[str, Any]
"""The operands that the letters of a pattern stand for."""


def arrays(op: Operation, bound: Bound) -> bool:
    """All of the result's dtype."""
    return all(isinstance(v, Value) and v.dtype == op.result.dtype for v in bound.values())


class Rule(NamedTuple):
    """A pattern and what it becomes.

    Attributes
    ----------
    pattern : tuple
    name : str
        Of the standard: for a product or a reduction ``matmul`` or ``sum``.
    native : str
        The call.
    operands : str
        The letters, in the order of the call.
    fits : callable
        ``fits(operation, bound)``: whether the call takes these dtypes and shapes.
    alone : bool
        Whether what is computed on the way must be used nowhere else.
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
    """The same program, with each pattern as the one operation that it becomes."""
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
    """What the letters stand for, if an operation is as the pattern says."""
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
