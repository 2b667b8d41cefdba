"""Write a loop that reduces its rows, each with a group of threads.

A row of up to 32 elements has one thread per element: everything stays in registers, and
columns can be summed too. A longer row takes a pass for each phase: elements that a later phase
needs go through memory, where the same thread reads them again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from bpx.program.fusion import REDUCTIONS
from bpx.program.operation import Operation, Value
from bpx_backends.engines.cuda.loops import VECTOR, WARP, Function, Loop, row_step
from bpx_backends.engines.cuda.reductions import (
    KINDS,
    accumulate,
    count,
    cut,
    finish,
    lanes_of,
    start,
    thread_lines,
)
from bpx_backends.engines.cuda.scribe import Scribe, at

__all__ = ["row_slices", "rows"]

_LONG, _MANY = 1024, 1024
"""The number of columns from which a row gets several warps, if rows are fewer than `_MANY`."""
_SEVERAL_WARPS = 256


def rows(loop: Loop) -> Function:
    """Write the function of a loop with reductions of rows, and of columns if there are few."""
    writer = _Writer(loop)
    if not loop.columns:
        items = loop.domain[0] * writer.lanes
        return writer.scribe.function(writer.lines(), items=items)
    threads, slices = cut(loop.domain[0], writer.lanes, 1)
    return writer.scribe.function(writer.lines(), threads=threads, blocks=slices)


def row_slices(loop: Loop) -> int:
    """Return the number of slices of the rows, each with its own sums."""
    n, k = loop.domain
    return cut(n, lanes_of(k), 1)[1]


class _Writer:
    """Writes the lines of a loop.

    Attributes
    ----------
    single : bool
        Whether a row has one thread per element.
    lanes : int
        The threads of a row.
    width : int
        The elements that a thread of a longer row takes at once.
    """

    def __init__(self, loop: Loop) -> None:
        n, k = loop.domain
        self.loop, self.scribe = loop, Scribe(loop)
        self.single = k <= WARP
        self.lanes = _SEVERAL_WARPS if k > _LONG and n < _MANY else lanes_of(k)
        self.width = VECTOR if k % VECTOR == 0 else 1
        assert self.single or not loop.columns

    def lines(self) -> Iterator[str]:
        s, loop = self.scribe, self.loop
        index, (n, k) = s.index, loop.domain
        yield from s.scalars()
        yield from thread_lines(self.lanes)
        if self.single:
            yield f"const {index} j = lane;"
            yield f"const bool inside = lane < {k};"
        sums = {op.result: s.fresh("c") for op in loop.columns}
        for op in loop.columns:
            yield start(op, sums[op.result])
        yield (
            f"for ({index} base = ({index})block * groups; base < {n}; "
            f"base += ({index})blocks * groups) {{"
        )
        yield f"const {index} i = base + group;"
        yield f"const bool live = i < {n}{', here = live && inside' if self.single else ''};"
        for phase in loop.phases:
            yield from self._phase(phase, sums)
        yield from self._tail()
        yield "}"
        yield from finish(s, loop.columns, sums, self.lanes, "block")

    def _phase(self, phase: Sequence[Operation], sums: Mapping[Value, str]) -> Iterator[str]:
        s, loop = self.scribe, self.loop
        once = [op for op in phase if loop.is_row(op)]
        reduced = [op for op in phase if loop.is_reduction(op)]
        elements = [op for op in phase if op not in once]
        # Read each row's single values first, since stored results may overwrite them.
        for v in _inputs(phase):
            if v not in s.names and v not in loop.made and s.steps(v).column == 0:
                yield s.guarded(v, "live", at(("i", s.steps(v).row)))
        for op in once:
            yield s.compute(op)
        found = {op.result: s.fresh("r") for op in reduced}
        for op in reduced:
            yield start(op, found[op.result])
        write = self._single if self.single else self._along
        yield from write(elements, {**found, **sums})
        for op in reduced:
            yield from self._reduce(op, found[op.result])
        yield from self._store_rows([op.result for op in (*once, *reduced)])

    def _single(
        self, elements: Sequence[Operation], sums: Mapping[Value, str]
    ) -> Iterator[str]:
        """Yield the lines for the elements of a phase, with one thread for each."""
        s, loop = self.scribe, self.loop
        for v in _inputs(elements):
            if v not in s.names and v not in loop.made:
                row, column = s.steps(v)
                yield s.guarded(v, "here", at(("i", row), ("j", column)))
        for op in elements:
            if op.name in REDUCTIONS:
                line = accumulate(op, sums[op.result], "j")
                yield f"if (here) {line.format(s.read(op.operands[0], None))}"
            else:
                yield s.compute(op)
        for v in self._stored(elements):
            to = f"{s.pointer(v)}[i * {loop.domain[1]} + j]"
            yield f"if (here) {to} = {s.names[v]};"

    def _along(self, elements: Sequence[Operation], sums: Mapping[Value, str]) -> Iterator[str]:
        """Yield the lines for the elements of a phase, along the row."""
        if not elements:
            return
        s, k, width = self.scribe, self.loop.domain[1], self.width
        outside, made = dict(s.names), {op.result for op in elements}
        begin, step = at(("lane", width)), self.lanes * width
        yield f"if (live) for ({s.index} j = {begin}; j < {k}; j += {step}) {{"
        for v in _inputs(elements):
            if v not in s.names and v not in made:
                yield from s.along(v, width)
        lines = {
            op.result: accumulate(op, sums[op.result], "j + u")
            for op in elements
            if op.name in REDUCTIONS
        }
        yield from s.computed(elements, width, lines)
        for v in self._stored(elements):
            yield f"store<{width}>({s.pointer(v)} + i * {k} + j, {s.kept(v)});"
        yield "}"
        s.names = outside

    def _stored(self, elements: Sequence[Operation]) -> list[Value]:
        made = (op.result for op in elements if op.name not in REDUCTIONS)
        return [v for v in made if v in self.loop.stores]

    def _reduce(self, op: Operation, name: str) -> Iterator[str]:
        s = self.scribe
        yield f"{name} = over_lanes<{KINDS[op.name]}, {self.lanes}>({name}, memory);"
        s.names[op.result] = f"{name}.index" if op.name == "argmax" else name
        if op.name == "mean":
            yield f"{name} = {name} / {count(op, self.loop.domain[1])};"

    def _store_rows(self, results: Iterable[Value]) -> Iterator[str]:
        stored = [v for v in results if v in self.loop.stores]
        if stored:
            yield f"row_read<{self.lanes}>();"
        for v in stored:
            yield f"if (lane == 0 && live) {self._row(v)} = {self.scribe.names[v]};"

    def _tail(self) -> Iterator[str]:
        """Yield the lines at the end of each row, run by its first thread."""
        s, loop = self.scribe, self.loop
        if not loop.tail:
            return
        yield "if (lane == 0 && live) {"
        for v in _inputs(loop.tail):
            if v not in s.names and v not in loop.made:
                element = self._row(v)
                name = s.names[v] = s.fresh("x")
                yield f"const {s.type(v)} {name} = {element};"
        for op in loop.tail:
            yield s.compute(op)
        for op in loop.tail:
            if op.result in loop.stores:
                yield f"{self._row(op.result)} = {s.names[op.result]};"
        yield "}"

    def _row(self, v: Value) -> str:
        """Return a row's element of an array of shape (n,) or (n, 1)."""
        step = row_step(self.loop.places[v])
        return f"{self.scribe.pointer(v)}[{at(('i', step))}]"


def _inputs(operations: Iterable[Operation]) -> list[Value]:
    return list(dict.fromkeys(v for op in operations for v in op.values))
