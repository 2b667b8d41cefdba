"""Operations outside kernels as C: loops over the axes of the result, of any rank."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import cast as typed

from bpx.export.c.expressions import ELEMENTWISE, expression, refuse
from bpx.export.c.places import Place
from bpx.export.c.products import accumulation, product
from bpx.export.c.reductions import REDUCTIONS, accumulated, begin, finished, indexes
from bpx.export.c.scope import Scope
from bpx.export.c.text import loop, of_type
from bpx.program.operation import ACCUMULATE, Operation, Value

__all__ = ["operation_lines"]


def operation_lines(op: Operation, scope: Scope) -> Iterator[str]:
    """Yield the statements of one operation.

    Raises
    ------
    InputError
        If C cannot hold it.
    """
    if op.name == "matmul":
        return product(op, scope)
    if op.name == ACCUMULATE:
        return accumulation(op, scope)
    if op.name == "take":
        return _take(op, scope)
    if op.name == "concat":
        return _concat(op, scope)
    if op.name == "reshape":
        return _reshape(op, scope)
    if op.name in REDUCTIONS:
        return _reduction(op, scope)
    if op.name == "broadcast_to":
        (value,) = op.values
        return _each(op, scope, partial(scope.stored, value))
    if op.name in ELEMENTWISE:
        return _each(op, scope, lambda at: expression(op, partial(scope.read, indices=at)))
    raise refuse(op)


def _place(scope: Scope, v: Value) -> Place:
    return typed(Place, scope.arrays[v])


def _indices(shape: Sequence[int]) -> list[str]:
    return [f"i{axis}" for axis in range(len(shape))]


def _loops(shape: Sequence[int], lines: list[str], indices: Sequence[str]) -> Iterator[str]:
    for index, size in reversed(list(zip(indices, shape, strict=True))):
        lines = list(loop(index, size, lines))
    return iter(lines)


def _each(op: Operation, scope: Scope, text: Callable[[Sequence[str]], str]) -> Iterator[str]:
    at = _indices(op.result.shape)
    statement = f"{scope.at(op.result, at)} = {text(at)};"
    return _loops(op.result.shape, [statement], at)


def _take(op: Operation, scope: Scope) -> Iterator[str]:
    source, rows = op.values
    at, last = _indices(op.result.shape), source.shape[0] - 1
    # Never beyond the array: an index out of range is that of the nearest row.
    row = scope.stored(rows, at[:1])
    row = f"(size_t)({row} < 0 ? 0 : {row} > {last} ? {last} : {row})"
    statement = f"{scope.at(op.result, at)} = {scope.stored(source, [row, *at[1:]])};"
    return _loops(op.result.shape, [statement], at)


def _concat(op: Operation, scope: Scope) -> Iterator[str]:
    axis, begin_at = op.attribute("axis"), 0
    for value in op.values:
        at = _indices(value.shape)
        there = list(at)
        own = at[axis] if value.shape[axis] > 1 else "0"
        there[axis] = f"({own} + {begin_at})" if begin_at else own
        statement = f"{scope.at(op.result, there)} = {scope.stored(value, at)};"
        yield from _loops(value.shape, [statement], at)
        begin_at += value.shape[axis]


def _reshape(op: Operation, scope: Scope) -> Iterator[str]:
    """Copy the elements in their order: the result of a reshape that is no view."""
    (value,) = op.values
    at = _indices(value.shape)
    yield "size_t next = 0;"
    statement = f"{_place(scope, op.result).base}[next++] = {scope.stored(value, at)};"
    yield from _loops(value.shape, [statement], at)


def _reduction(op: Operation, scope: Scope) -> Iterator[str]:
    (value,) = op.values
    axis = op.attribute("axis")
    gone = range(len(value.shape)) if axis is None else axis
    gone = [a % len(value.shape) for a in ((gone,) if isinstance(gone, int) else gone)]
    at, keeps = _indices(value.shape), op.attribute("keepdims")
    kept = [i for i in range(len(at)) if i not in gone]
    to = at if keeps else [at[i] for i in kept]
    sizes = [value.shape[i] for i in gone]
    adds = accumulated(op, "total", scope.stored(value, at), "best", _flat(sizes, gone))
    lines = [f"{of_type(op.result.dtype)} total = {'0' if indexes(op) else begin(op)};"]
    lines += [f"{of_type(value.dtype)} best = {begin(op)};"] if indexes(op) else []
    lines += _loops(sizes, [adds], [at[i] for i in gone])
    end = finished(op, "total", value.size // max(1, op.result.size))
    lines += [end] if end else []
    lines.append(f"{scope.at(op.result, to)} = total;")
    return _loops([value.shape[i] for i in kept], lines, [at[i] for i in kept])


def _flat(sizes: Sequence[int], axes: Sequence[int]) -> str:
    """Return the index of an element among those of several axes."""
    text = ""
    for size, axis in zip(sizes, axes, strict=True):
        own = f"i{axis}" if size > 1 else "0"
        text = f"({text} * {size} + {own})" if text else own
    return text
