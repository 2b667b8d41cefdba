"""Write a nest as Python: its loops, line by line."""

from collections.abc import Iterator, Mapping, Sequence
from math import prod

from bpx.program.fusion import REDUCTIONS, Nest, is_column_reduction
from bpx.program.operation import DType, Operand, Operation, Value
from bpx_backends.engines.numpy.division import is_flat
from bpx_backends.engines.numpy.expressions import (
    FORMS,
    TESTS,
    cast,
    common,
    literal,
    share,
    start,
    varies,
)
from bpx_backends.engines.numpy.functions import FUNCTIONS, vectorized

__all__ = ["ADD", "PAIR", "NestWriter"]

ADD = "add_in_any_order"
"""The function that adds up the mean of a row, so that the compiler may use vectors.

Sums keep their order: a softmax, say, has the same bits whatever the processor.
"""
PAIR = 2
"""The only number of columns that is in the text.

Two random words side by side are such a row: the compiler then has vectors of rows, and takes
a thirtieth of the time.
"""


class NestWriter:
    """Writes the lines of one nest.

    A stack has a loop over its matrices around the others: m is the matrix, i the row, j the
    column.
    """

    def __init__(
        self,
        nest: Nest,
        names: Mapping[Value, str],
        writes: set[Value],
        constants: Mapping[float, str],
    ) -> None:
        self.nest, self.names, self.writes = nest, names, writes
        self.constants = constants
        self.n, self.k = nest.domain
        self.stacked = nest.stack > 1
        self.row, self.column, self.element = _STACKED if self.stacked else _SINGLE
        self.local: dict[Value, str] = {}
        self.count = 0
        self.made = {op.result for op in nest.operations}
        self.columns = [op for op in nest.operations if is_column_reduction(op)]
        size = prod(nest.sizes)
        flat = all(is_flat(op, size) for op in nest.operations)
        self.flat = flat and len(nest.phases) == 1
        # One number needs no vectors, and the library's functions are compiled much sooner.
        self.single = size == 1

    def lines(self) -> Iterator[str]:
        """Yield all lines of the nest, for the function's body."""
        size = "count, n, k" if self.stacked else "n, k"
        given = [f"sizes[{i}]" for i in range(len(self.nest.sizes))]
        if self.k == PAIR and not self.flat:
            given[-1] = f"uint64({PAIR})"
        yield f"{size} = {', '.join(given)}"
        yield from self._numbers()
        if self.flat:
            yield f"for i in range({share(size.replace(', ', ' * '))}):"
            for op in self.nest.operations:
                yield from _indented(self._element(op, "i"))
        elif self.stacked:
            yield f"for m in range({share('count')}):"
            yield from _indented(self._numbers_of_one())
            yield from _indented(self._rows())
        else:
            yield from self._rows()

    def _rows(self) -> Iterator[str]:
        whole = "uint64(0), k"
        if self.columns:  # split by columns, so that no two threads sum into the same one
            yield f"first, last = {whole if self.stacked else share('k')}"
            for op in self.columns:
                yield "for j in range(first, last):"
                yield f"    {self.names[op.result]}[{self.column}] = {start(op)}"
            yield "for i in range(n):"
        else:
            yield f"first, last = {whole}"
            yield f"for i in range({'n' if self.stacked else share('n')}):"
        for phase in self.nest.phases:
            yield from _indented(self._phase(phase))
        for op in self.columns:
            if op.name == "mean":
                name = f"{self.names[op.result]}[{self.column}]"
                yield "for j in range(first, last):"
                yield f"    {name} = {name} / {op.result.dtype}(n)"

    def _phase(self, phase: Sequence[Operation]) -> Iterator[str]:
        rows = [op for op in phase if self.nest.is_row(op)]
        elements = [op for op in phase if op not in rows]
        reduced = [op for op in elements if op.name in REDUCTIONS and op not in self.columns]
        for op in rows:
            yield from self._element(op, self.row)
        for op in reduced:
            yield from self._begin(op)
        # The elements of a row are adjacent, so the compiler sees that the index is affine.
        if elements:
            yield "for j in range(first, last):"
        for op in elements:
            if op.name in REDUCTIONS:
                yield from _indented(self._accumulate(op))
            else:
                yield from _indented(self._element(op, self.element))
        for op in reduced:
            yield from self._finish(op)
        for op in elements:
            if op.name not in REDUCTIONS:
                del self.local[op.result]  # the last element: a later phase reads memory

    def _numbers(self) -> Iterator[str]:
        """Yield the lines that read single numbers before the loop."""
        for op in self.nest.operations:
            for v in op.values:
                if (
                    v.size == 1
                    and v in self.names
                    and v not in self.local
                    and v not in self.made
                ):
                    self.local[v] = self._fresh("s")
                    yield f"{self.local[v]} = {self._stored(v, '0')}"

    def _numbers_of_one(self) -> Iterator[str]:
        """Yield the lines that read each matrix's single numbers before its rows."""
        for op in self.nest.operations:
            for v in op.values:
                one = v.shape == (self.nest.stack, 1, 1) and v not in self.made
                if one and v in self.names and v not in self.local:
                    self.local[v] = self._fresh("s")
                    yield f"{self.local[v]} = {self._stored(v, 'm')}"

    def _fresh(self, letter: str) -> str:
        self.count += 1
        return f"{letter}{self.count}"

    def _element(self, op: Operation, at: str) -> Iterator[str]:
        name = self._fresh("v")
        yield f"{name} = {self._expression(op)}"
        self.local[op.result] = name
        if op.result in self.writes:
            where = at if op.result.size > 1 else "0"
            yield f"{self.names[op.result]}[{where}] = {name}"

    def _expression(self, op: Operation) -> str:
        dtype = op.result.dtype
        kind = common(op) if op.name in TESTS else dtype
        if op.name == "where":
            parts = [
                self._read(op.operands[0], None),
                *(self._read(v, dtype) for v in op.operands[1:]),
            ]
        else:
            parts = [self._read(v, None if op.name == "astype" else kind) for v in op.operands]
        form = FORMS[op.name]
        if op.name in FUNCTIONS and not self.single:
            form = f"{vectorized(op.name, dtype.name)}({{0}})"
        if op.name in ("maximum", "minimum") and not isinstance(op.operands[1], Value):
            sign = "<" if op.name == "maximum" else ">"
            form = f"({{1}} if {{0}} {sign} {{1}} else {{0}})"
        text = form.format(*parts)
        # Arithmetic on floats keeps the dtype; integers become wider.
        kept = dtype.kind in ("real floating", "bool") and op.name != "astype"
        return text if kept else cast(dtype, text)

    def _read(self, v: Operand, dtype: DType | None) -> str:
        if not isinstance(v, Value):
            return cast(dtype, self.constants[v] if varies(v) else literal(v))
        text = self.local.get(v) or self._stored(v, self._index(v))
        return text if dtype in (None, v.dtype) else cast(dtype, text)

    def _stored(self, v: Value, index: str) -> str:
        text = f"{self.names[v]}[{index}]"
        return f"({text} != 0)" if v.dtype.name == "bool" else text  # a byte in memory

    def _index(self, v: Value) -> str:
        if self.flat:
            return "i" if v.size > 1 else "0"
        each, row, column = (size > 1 for size in (1,) * (3 - len(v.shape)) + v.shape)
        by_row, by_column, by_both = _STACKED if each else _SINGLE
        if row:
            return by_both if column else by_row
        if column:
            return by_column
        return "m" if each else "0"

    def _begin(self, op: Operation) -> Iterator[str]:
        name = self.local[op.result] = self._fresh("v")
        if op.name == "argmax":
            yield f"{name}, best{name} = int64(0), {start(op)}"
        else:
            yield f"{name} = {start(op)}"

    def _accumulate(self, op: Operation) -> Iterator[str]:
        value = self._read(op.operands[0], None)
        name = self.local.get(op.result) or f"{self.names[op.result]}[{self.column}]"
        if op.name == "argmax":
            best = f"best{name}"
            yield f"if {value} > {best} or ({value} != {value} and {best} == {best}):"
            yield f"    {name}, best{name} = int64(j), {value}"
        elif op.name == "mean" and op not in self.columns:
            yield f"{name} = {ADD}({name}, {value})"
        elif op.name in ("sum", "mean"):
            yield f"{name} = {name} + {value}"
        else:
            sign = ">" if op.name == "max" else "<"
            yield f"{name} = {value} if {value} {sign} {name} or {value} != {value} else {name}"

    def _finish(self, op: Operation) -> Iterator[str]:
        name = self.local[op.result]
        if op.name == "mean":
            yield f"{name} = {name} / {op.result.dtype}(k)"
        if op.result in self.writes:
            yield f"{self.names[op.result]}[{self.row}] = {name}"


_SINGLE = "i", "j", "i * k + j"
_STACKED = "m * n + i", "m * k + j", "(m * n + i) * k + j"
"""The indices of row i's number, of column j's number, and of their element."""


def _indented(lines: Iterator[str]) -> Iterator[str]:
    return (f"    {line}" for line in lines)
