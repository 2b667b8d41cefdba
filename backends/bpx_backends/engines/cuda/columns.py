"""Write a loop that sums its columns: a thread stays in one and takes several rows at once."""

from collections.abc import Iterator

from bpx.program.operation import Value
from bpx_backends.engines.cuda.loops import VECTOR, Function, Loop
from bpx_backends.engines.cuda.reductions import (
    accumulate,
    cut,
    finish,
    lanes_of,
    start,
    thread_lines,
)
from bpx_backends.engines.cuda.scribe import Scribe, at, each

__all__ = ["column_slices", "columns"]


def columns(loop: Loop) -> Function:
    """Write the function of a loop of elements and reductions over the rows."""
    n, k = loop.domain
    threads, slices = cut(n, lanes_of(k), _width(n))
    scribe = Scribe(loop)
    blocks = slices * -(-k // lanes_of(k))
    return scribe.function(_lines(scribe), threads=threads, blocks=blocks)


def column_slices(loop: Loop) -> int:
    """Return the number of slices of the rows, each with its own sums."""
    n, k = loop.domain
    return cut(n, lanes_of(k), _width(n))[1]


def _width(n: int) -> int:
    """Return the rows that a thread takes at once."""
    return min(VECTOR, 1 << (n - 1).bit_length())


def _lines(s: Scribe) -> Iterator[str]:
    loop, index, (n, k) = s.loop, s.index, s.loop.domain
    lanes, width = lanes_of(k), _width(n)
    tiles = -(-k // lanes)
    yield from s.scalars()
    yield from thread_lines(lanes)
    yield f"const {index} tile = block % {tiles}, slice = block / {tiles};"
    yield f"const {index} slices = blocks / {tiles}, j = tile * {lanes} + lane;"
    yield f"const bool inside = j < {k};"
    for v in loop.read:
        if v not in s.names and s.steps(v).row == 0:
            yield s.guarded(v, "inside", at(("j", s.steps(v).column)))
    sums = {op.result: s.fresh("c") for op in loop.columns}
    for op in loop.columns:
        yield start(op, sums[op.result])
    step = f"groups * {width}" if width > 1 else "groups"
    yield f"for ({index} base = slice * {step}; base < {n}; base += slices * {step}) {{"
    yield f"{index} i[{width}]; bool live[{width}];"
    yield from each(
        width,
        f"{{ i[u] = base + u * groups + group; live[u] = inside && i[u] < {n}; }}",
    )
    for v in loop.read:
        if v not in s.names:
            yield from _load(s, v, width)
    sum_lines = {
        op.result: f"if (live[u]) {accumulate(op, sums[op.result], 'i[u]')}"
        for op in loop.columns
    }
    yield from s.computed(loop.operations, width, sum_lines)
    for v in loop.stored:
        if v not in sums:
            to = f"{s.pointer(v)}[i[u] * {k} + j]"
            yield from each(width, f"if (live[u]) {to} = {s.kept(v)}[u];")
    yield "}"
    yield from finish(s, loop.columns, sums, lanes, "slice")


def _load(s: Scribe, v: Value, width: int) -> Iterator[str]:
    (row, column), kind = s.steps(v), s.type(v)
    name = s.fresh("x")
    s.names[v] = f"{name}[u]"
    yield f"{kind} {name}[{width}];"
    element = f"{s.pointer(v)}[{at(('i[u]', row), ('j', column))}]"
    yield from each(width, f"{name}[u] = live[u] ? {element} : ({kind})0;")
