"""Products that are added to an array of the state, as BP4's is by gradient descent.

``w - eta * (rd.mT @ a)`` needs the gradient only once. A library's product can subtract it from
w itself, with ``eta * rd`` as its factor: the gradient is then never written and read again,
which saves two of the four passes over memory. The results differ only by rounding: eta
multiplies the terms of the sum instead of the sum.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import permutations
from typing import Any, NamedTuple

from bpx.program.operation import ACCUMULATE, Operand, Operation, Value, needed
from bpx.program.program import Program

__all__ = ["accumulated"]

Makers = Mapping[Any, Operation]


class _Around(NamedTuple):
    """What must be known of a program to replace one of its operations.

    Attributes
    ----------
    state, outputs : frozenset of Value
    makers : mapping of Value to Operation
    once : mapping of Value to Operation
        The makers of those values that one operation uses.
    """

    state: frozenset[Any]
    outputs: frozenset[Any]
    makers: Makers
    once: Makers


class _Term(NamedTuple):
    """What is added: ``scale * (a @ b)``, whose product is made by an operation."""

    product: Operation
    scale: Operand | None


def accumulated(program: Program, *, scaled: bool = True) -> Program:
    """Return the same program, with products that are added to the state where they can be.

    Parameters
    ----------
    program : Program
    scaled : bool, optional
        Whether the engine's product can multiply the state by a number of the program as well,
        as momentum does.
    """
    uses = Counter([*program.outputs, *(v for op in program.operations for v in op.values)])
    makers = {op.result: op for op in program.operations}
    once = {v: op for v, op in makers.items() if uses[v] == 1}
    around = _Around(frozenset(program.state), frozenset(program.outputs), makers, once)
    operations: list[Operation] = []
    for op in program.operations:
        operations += _replaced(op, around, scaled)
    kept = needed(operations, program.outputs)
    return Program(program.state, program.data, program.rows, kept, program.outputs)


def _replaced(op: Operation, around: _Around, scaled: bool) -> Iterator[Operation]:
    """Yield the operations in place of one."""
    for c, y, sign in _sums(op) if op.result in around.outputs else ():
        base, term = _base(c, around, scaled), _term(y, around.once)
        if base and term and _are_alike(op, base, term.product):
            (a, b), (c, *beta) = term.product.values, base
            if term.scale is not None:
                *made, a = _scaled(term.scale, a, around.makers, op)
                yield from made
            attributes = (("sign", sign),)
            yield Operation(ACCUMULATE, (c, a, b, *beta), op.result, attributes, op.origin)
            return
    yield op


def _sums(op: Operation) -> list[tuple[Operand, Operand, int]]:
    """The ways to read an operation as c + y or as c - y."""
    if op.name not in ("add", "subtract"):
        return []
    x, y = op.operands
    return [(x, y, 1), (y, x, 1)] if op.name == "add" else [(x, y, -1)]


def _base(c: Operand, around: _Around, scaled: bool) -> tuple[Operand, ...]:
    """The array of the state that a product is added to, and its factor if it has one."""
    if c in around.state:
        return (c,)
    pairs = _scalings(around.once.get(c)) if scaled else []
    return next(((v, s) for s, v in pairs if v in around.state), ())


def _term(y: Operand, once: Makers) -> _Term | None:
    """What is added, if it is a product, or a number times a product."""
    op = once.get(y)
    if op is not None and op.name == "matmul":
        return _Term(op, None)
    found = ((once.get(v), s) for s, v in _scalings(op))
    return next((_Term(each, s) for each, s in found if each and each.name == "matmul"), None)


def _scalings(op: Operation | None) -> list[tuple[Operand, Operand]]:
    """The ways to read an operation as a number times an array."""
    if op is None or op.name != "multiply":
        return []
    pairs = [(s, v) for s, v in permutations(op.operands) if isinstance(v, Value)]
    return [(s, v) for s, v in pairs if not isinstance(s, Value) or s.size == 1 < v.size]


def _are_alike(op: Operation, base: tuple[Operand, ...], product: Operation) -> bool:
    """Whether the sum and the product are matrices of one shape, and all have its dtype."""
    result, c = op.result, base[0]
    arrays = [*op.values, *product.values, *(v for v in base if isinstance(v, Value))]
    return (
        isinstance(c, Value)
        and len(result.shape) == 2
        and c.shape == result.shape == product.result.shape
        and result.dtype.kind == "real floating"
        and all(v.dtype == result.dtype for v in arrays)
    )


def _scaled(scale: Operand, a: Value, makers: Makers, op: Operation) -> Iterator[Any]:
    """Yield the operations that multiply a factor, and their result.

    What a transpose is made from is multiplied instead, as a part of the kernel that makes it.
    """
    view = makers.get(a)
    if view is not None and view.name == "matrix_transpose":
        (base,) = view.values
        large, turned = Value(base.shape, base.dtype), Value(a.shape, a.dtype)
        yield Operation("multiply", (scale, base), large, (), op.origin)
        yield view._replace(operands=(large,), result=turned)
        yield turned
    else:
        large = Value(a.shape, a.dtype)
        yield Operation("multiply", (scale, a), large, (), op.origin)
        yield large
