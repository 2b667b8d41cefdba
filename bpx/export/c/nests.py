"""A nest of a kernel as C: a loop over rows, and for each phase one over the row's elements."""

import re
from collections.abc import Iterator, Sequence
from functools import partial

from bpx.export.c.expressions import expression
from bpx.export.c.reductions import REDUCTIONS, accumulated, begin, finished, indexes
from bpx.export.c.scope import Scope
from bpx.export.c.text import block, loop, of_type
from bpx.program.fusion import Nest, is_column_reduction
from bpx.program.operation import Operation, Value

__all__ = ["in_braces", "nest_lines"]

_ELEMENT, _ROW = ("m", "i", "j"), ("m", "i", "0")


def nest_lines(nest: Nest, scope: Scope, writes: set[Value]) -> Iterator[str]:
    """Yield the statements of a nest.

    Parameters
    ----------
    nest : Nest
    scope : Scope
    writes : set of Value
        The results that are kept in memory.
    """
    writer = _Writer(nest, scope, writes)
    lines = [*writer.numbers(), *loop("m", nest.stack, list(writer.rows()))]
    scope.local.clear()
    yield from lines


class _Writer:
    """Writes one nest. In a stack, m is the matrix; i is the row, and j the column."""

    def __init__(self, nest: Nest, scope: Scope, writes: set[Value]) -> None:
        self.nest, self.scope, self.writes = nest, scope, writes
        self.n, self.k = nest.domain
        self.columns = [op for op in nest.operations if is_column_reduction(op)]
        self.uses = [v for op in nest.operations for v in op.values]

    def numbers(self) -> Iterator[str]:
        """Yield variables for the single numbers that the nest reads."""
        made = {op.result for op in self.nest.operations}
        single = self.n * self.k * self.nest.stack == 1
        for v in dict.fromkeys(self.uses):
            element = self.scope.at(v, _ELEMENT) if v.size == 1 and v not in made else ""
            if element.endswith("]") and not single:
                name = self.scope.element(v, "1")
                yield f"const {of_type(v.dtype)} {name} = {element};"
                self.scope.local[v] = name

    def rows(self) -> Iterator[str]:
        """Yield the loops over the rows, between the beginnings and the ends of column sums."""
        for op in self.columns:
            yield from loop("j", self.k, [f"{self._column(op)} = {begin(op)};"])
        phases = [line for phase in self.nest.phases for line in self._phase(phase)]
        yield from loop("i", self.n, phases)
        for op in self.columns:
            end = finished(op, self._column(op), self.n)
            yield from loop("j", self.k, [end]) if end else ()

    def _phase(self, phase: Sequence[Operation]) -> Iterator[str]:
        rows = [op for op in phase if self.nest.is_row(op)]
        elements = [op for op in phase if op not in rows]
        reduced = [op for op in elements if op.name in REDUCTIONS and op not in self.columns]
        for op in rows:
            yield from self._element(op, _ROW, "i")
        for op in reduced:
            yield from self._begin(op)
        inside = [
            line
            for op in elements
            for line in (
                [self._accumulate(op)]
                if op.name in REDUCTIONS
                else self._element(op, _ELEMENT, "ij")
            )
        ]
        yield from loop("j", self.k, inside) if elements else ()
        for op in reduced:
            yield from self._finish(op)
        for op in elements:  # a later phase reads an element from memory
            if op.name not in REDUCTIONS:
                self.scope.local.pop(op.result, None)

    def _element(self, op: Operation, indices: Sequence[str], ending: str) -> Iterator[str]:
        text = expression(op, partial(self.scope.read, indices=indices))
        place = self.scope.at(op.result, indices) if op.result in self.writes else ""
        if place and op.result not in self.uses:
            yield f"{place} = {text};"
            return
        name = self.scope.local[op.result] = self.scope.element(op.result, ending)
        yield f"const {of_type(op.result.dtype)} {name} = {text};"
        if place:
            yield f"{place} = {name};"

    def _column(self, op: Operation) -> str:
        kept = op.attribute("keepdims")
        return self.scope.at(op.result, ("m", "0", "j") if kept else ("m", "j"))

    def _row(self, op: Operation) -> str:
        return self.scope.at(op.result, _ROW if op.attribute("keepdims") else ("m", "i"))

    def _begin(self, op: Operation) -> Iterator[str]:
        name = self.scope.local[op.result] = self.scope.element(op.result, "i")
        kind = of_type(op.result.dtype)
        if indexes(op):
            yield f"{kind} {name} = 0;"
            yield f"{of_type(op.values[0].dtype)} {name}_best = {begin(op)};"
        else:
            yield f"{kind} {name} = {begin(op)};"

    def _accumulate(self, op: Operation) -> str:
        element = self.scope.stored(op.values[0], _ELEMENT)
        if op in self.columns:
            return accumulated(op, self._column(op), element)
        name = self.scope.local[op.result]
        return accumulated(op, name, element, f"{name}_best", "j" if self.k > 1 else "0")

    def _finish(self, op: Operation) -> Iterator[str]:
        name = self.scope.local[op.result]
        end = finished(op, name, self.k)
        if end:
            yield end
        if op.result in self.writes:
            yield f"{self._row(op)} = {name};"


def in_braces(lines: list[str]) -> Iterator[str]:
    """Yield lines, in braces if they declare variables outside a loop."""
    declared = any(line.endswith(";") and _DECLARED.match(line) for line in lines)
    yield from block("", lines) if declared else iter(lines)


_DECLARED = re.compile(r"(const )?[a-z]\w* \w+ = ")
