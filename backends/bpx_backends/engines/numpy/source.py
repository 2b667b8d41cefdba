"""Kernels as Python source for numba: loops over flat arrays, in the arrays' own dtype.

Sizes, and numbers such as 1/n, are arguments: the layers of a network, networks of other
widths and a ragged last batch all run the kernels that were compiled once.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite, isnan
from typing import Any, NamedTuple, TypeGuard

from bpx.program.fusion import REDUCTIONS, Kernel, Nest, is_column_reduction
from bpx.program.operation import DType, Operand, Operation, Value
from bpx.program.plan import Plan

__all__ = ["SUPPORTED", "Source", "source"]

_INFIX = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "pow": "**",
    "equal": "==", "not_equal": "!=", "less": "<", "less_equal": "<=", "greater": ">",
    "greater_equal": ">=", "logical_and": "&", "logical_or": "|",
}  # fmt: skip
_CALLS = {
    name: f"np.{name}({{0}})"
    for name in ("exp", "expm1", "floor", "isfinite", "isnan", "log", "log1p", "sqrt", "tanh")
}
_FORMS = {
    **{name: f"({{0}} {sign} {{1}})" for name, sign in _INFIX.items()},
    **_CALLS,
    "abs": "abs({0})",
    "negative": "(-{0})",
    "positive": "{0}",
    "copy": "{0}",
    "astype": "{0}",
    "square": "({0} * {0})",
    "logical_not": "(not {0})",
    "where": "({1} if {0} else {2})",
    # NaN wins, as in the standard.
    "maximum": "({0} if {0} >= {1} or {0} != {0} else {1})",
    "minimum": "({0} if {0} <= {1} or {0} != {0} else {1})",
}
_TESTS = frozenset(
    (
        "equal",
        "not_equal",
        "less",
        "less_equal",
        "greater",
        "greater_equal",
        "isfinite",
        "isnan",
    )
)

SUPPORTED = frozenset(_FORMS) | REDUCTIONS
"""The operations that a kernel's source can hold."""


class Source(NamedTuple):
    """A function's text, and how it is called.

    Attributes
    ----------
    text : str
        Of a module with ``kernel(part, parts, sizes, numbers, *arrays)``.
    sizes : tuple of int
        n and k of each nest.
    numbers : tuple of float
        The constants that are not in the text.
    arguments : tuple of Value
        One for each array, given flat; the values that share its memory are left out.
    splits : bool
        Whether ``kernel(0, 2, …)`` and ``kernel(1, 2, …)`` can run at the same time.
    flat : bool
        Whether each part then works on its own share of every array, from its beginning on.
    """

    text: str
    sizes: tuple[int, ...]
    numbers: tuple[float, ...]
    arguments: tuple[Value, ...]
    splits: bool
    flat: bool


def source(plan: Plan, kernel: Kernel) -> Source:
    """The source of one of a plan's kernels."""
    shared = plan.overwritten(kernel)
    arguments = tuple(dict.fromkeys(shared.get(v, v) for v in (*kernel.reads, *kernel.writes)))
    names = {v: f"x{i}" for i, v in enumerate(arguments)}
    names |= {v: names[base] for v, base in shared.items() if base in names}
    splits = _independent(plan, kernel)
    varying = [v for op in kernel.operations for v in op.operands if _varies(v)]
    numbers = tuple(dict.fromkeys(varying))
    lines = [
        f"def kernel(part, parts, sizes, numbers, {', '.join(names[v] for v in arguments)}):"
    ]
    lines += [f"c{i} = numbers[{i}]" for i in range(len(numbers))]
    constants = {number: f"c{i}" for i, number in enumerate(numbers)}
    writers = [
        _Writer(nest, names, set(kernel.writes), constants, i)
        for i, nest in enumerate(kernel.nests)
    ]
    for writer in writers:
        lines += writer.lines()
    types = ", ".join(f"{_TYPES[v.dtype.name]}[::1]" for v in arguments)
    signature = f"void(uint64, uint64, uint64[::1], float64[::1], {types})"
    sizes = tuple(size for nest in kernel.nests for size in nest.domain)
    text = "\n    ".join(lines)
    return Source(
        _HEAD.format(signature=signature) + text + "\n",
        sizes,
        numbers,
        arguments,
        splits,
        all(w.flat for w in writers),
    )


_HEAD = """import numba
import numpy as np
from numpy import float32, float64, int8, int16, int32, int64, uint8, uint16, uint32, uint64


@numba.njit(
    "{signature}",
    nogil=True,
    error_model="numpy",
    fastmath={{"contract"}},
    cache=True,
    no_cfunc_wrapper=True,
)
"""
_TYPES = {"bool": "boolean"} | {
    name: name
    for name in (
        "float32", "float64", "int8", "int16", "int32", "int64",
        "uint8", "uint16", "uint32", "uint64",
    )
}  # fmt: skip


def _independent(plan: Plan, kernel: Kernel) -> bool:
    """Whether no nest needs another's results, and each can be cut in two."""
    shared, roots = plan.overwritten(kernel), plan.roots
    shared |= {v: plan.program.state[i] for v, i in plan.states.items()}
    overwritten = [{shared.get(op.result) for op in nest.operations} for nest in kernel.nests]
    made: set[Value] = set()
    for i, nest in enumerate(kernel.nests):
        reduced = [op for op in nest.operations if op.name in REDUCTIONS]
        columns = any(is_column_reduction(op) for op in reduced)
        rows = any(not is_column_reduction(op) for op in reduced)
        reads = {roots.get(v, v) for op in nest.operations for v in op.values}
        others = set().union(*overwritten[:i], *overwritten[i + 1 :])
        if (columns and rows) or reads & (made | others) or nest.domain == (1, 1):
            return False
        made |= {op.result for op in nest.operations}
    return True


class _Writer:
    """The lines of one nest."""

    def __init__(
        self,
        nest: Nest,
        names: Mapping[Value, str],
        writes: set[Value],
        constants: Mapping[float, str],
        number: int,
    ) -> None:
        self.nest, self.names, self.writes = nest, names, writes
        self.constants, self.number = constants, number
        self.n, self.k = nest.domain
        self.local: dict[Value, str] = {}
        self.count = 0
        self.columns = [op for op in nest.operations if is_column_reduction(op)]
        self.flat = self._is_flat()

    def lines(self) -> Iterator[str]:
        first = 2 * self.number
        yield f"n, k = sizes[{first}], sizes[{first + 1}]"
        yield from self._numbers()
        if self.flat:
            yield f"for i in range({_range('n * k')}):"
            for op in self.nest.operations:
                yield from _indented(self._element(op, "i"))
            return
        yield from self._rows()

    def _rows(self) -> Iterator[str]:
        if self.columns:  # cut by columns, so that no two threads sum into the same one
            yield f"first, last = {_range('k')}"
            for op in self.columns:
                yield "for j in range(first, last):"
                yield f"    {self.names[op.result]}[j] = {_start(op)}"
            yield "for i in range(n):"
        else:
            yield "first, last = uint64(0), k"
            yield f"for i in range({_range('n')}):"
        for phase in self.nest.phases:
            yield from _indented(self._phase(phase))
        for op in self.columns:
            if op.name == "mean":
                name = self.names[op.result]
                yield "for j in range(first, last):"
                yield f"    {name}[j] = {name}[j] / {op.result.dtype}(n)"

    def _phase(self, phase: Sequence[Operation]) -> Iterator[str]:
        rows = [op for op in phase if self.nest.is_row(op)]
        elements = [op for op in phase if op not in rows]
        reduced = [op for op in elements if op.name in REDUCTIONS and op not in self.columns]
        for op in rows:
            yield from self._element(op, "i")
        for op in reduced:
            yield from self._begin(op)
        # The elements of a row stand together: the index is known to be affine.
        if elements:
            yield "for j in range(first, last):"
        for op in elements:
            if op.name in REDUCTIONS:
                yield from _indented(self._accumulate(op))
            else:
                yield from _indented(self._element(op, "i * k + j"))
        for op in reduced:
            yield from self._finish(op)
        for op in elements:
            if op.name not in REDUCTIONS:
                del self.local[op.result]  # of the last element: a later phase reads memory

    def _numbers(self) -> Iterator[str]:
        """Single numbers are read before the loop."""
        for op in self.nest.operations:
            for v in op.values:
                if (
                    v.size == 1
                    and v in self.names
                    and v not in self.local
                    and not self._inside(v)
                ):
                    self.local[v] = self._fresh("s")
                    yield f"{self.local[v]} = {self.names[v]}[0]"

    def _fresh(self, letter: str) -> str:
        self.count += 1
        return f"{letter}{self.count}"

    def _inside(self, v: Value) -> bool:
        return any(op.result is v for op in self.nest.operations)

    def _is_flat(self) -> bool:
        size = self.n * self.k
        ops = self.nest.operations
        return len(self.nest.phases) == 1 and all(
            op.name not in REDUCTIONS
            and op.result.size == size
            and all(v.size in (1, size) for v in op.values)
            for op in ops
        )

    def _element(self, op: Operation, at: str) -> Iterator[str]:
        name = self._fresh("v")
        yield f"{name} = {self._expression(op)}"
        self.local[op.result] = name
        if op.result in self.writes:
            where = at if op.result.size > 1 else "0"
            yield f"{self.names[op.result]}[{where}] = {name}"

    def _expression(self, op: Operation) -> str:
        dtype = op.result.dtype
        kind = _common(op) if op.name in _TESTS else dtype
        if op.name == "where":
            parts = [
                self._read(op.operands[0], None),
                *(self._read(v, dtype) for v in op.operands[1:]),
            ]
        else:
            parts = [self._read(v, None if op.name == "astype" else kind) for v in op.operands]
        form = _FORMS[op.name]
        if op.name in ("maximum", "minimum") and not isinstance(op.operands[1], Value):
            sign = "<" if op.name == "maximum" else ">"
            form = f"({{1}} if {{0}} {sign} {{1}} else {{0}})"
        text = form.format(*parts)
        # Of floats alone, arithmetic keeps the dtype; integers become wider.
        kept = dtype.kind in ("real floating", "bool") and op.name != "astype"
        return text if kept else _cast(dtype, text)

    def _read(self, v: Operand, dtype: DType | None) -> str:
        if not isinstance(v, Value):
            return _cast(dtype, self.constants[v] if _varies(v) else _literal(v))
        text = self.local.get(v) or f"{self.names[v]}[{self._index(v)}]"
        return text if dtype in (None, v.dtype) else _cast(dtype, text)

    def _index(self, v: Value) -> str:
        if self.flat:
            return "i" if v.size > 1 else "0"
        shape = (1,) * (2 - len(v.shape)) + v.shape
        row, column = shape[0] > 1, shape[1] > 1
        if len(v.shape) == 1 and self.n == 1:
            row, column = False, v.size > 1
        if row and column:
            return "i * k + j"
        return "i" if row else "j" if column else "0"

    def _begin(self, op: Operation) -> Iterator[str]:
        name = self.local[op.result] = self._fresh("v")
        if op.name == "argmax":
            yield f"{name}, best{name} = int64(0), {_start(op)}"
        else:
            yield f"{name} = {_start(op)}"

    def _accumulate(self, op: Operation) -> Iterator[str]:
        value = self._read(op.operands[0], None)
        name = f"{self.names[op.result]}[j]" if op in self.columns else self.local[op.result]
        if op.name == "argmax":
            best = f"best{name}"
            yield f"if {value} > {best} or ({value} != {value} and {best} == {best}):"
            yield f"    {name}, best{name} = int64(j), {value}"
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
            yield f"{self.names[op.result]}[i] = {name}"


def _start(op: Operation) -> str:
    """Where a reduction begins."""
    dtype = op.values[0].dtype
    if op.name in ("sum", "mean"):
        return f"{dtype}(0)"
    sign = "" if op.name == "min" else "-"
    if dtype.kind == "real floating":
        return f"{dtype}({sign}np.inf)"
    return f"np.iinfo({dtype}).{'max' if op.name == 'min' else 'min'}"


def _range(size: str) -> str:
    """A part of the indices 0 ... size - 1; unsigned: their sign is not looked at."""
    return f"{size} * part // parts, {size} * (part + uint64(1)) // parts"


def _common(op: Operation) -> DType:
    """What a comparison compares in."""
    return max((v.dtype for v in op.values), key=lambda each: each.itemsize)


def _cast(dtype: DType | None, text: str) -> str:
    return f"{'bool' if dtype.name == 'bool' else dtype.name}({text})" if dtype else text


def _varies(number: Any) -> TypeGuard[float]:
    """Whether a constant is likely another one in another network."""
    return (
        type(number) is float and isfinite(number) and number not in (-1.0, 0.0, 0.5, 1.0, 2.0)
    )


def _literal(number: Any) -> str:
    if isinstance(number, float) and not isfinite(number):
        return "np.nan" if isnan(number) else f"{'-' if number < 0 else ''}np.inf"
    return repr(number)


def _indented(lines: Iterator[str]) -> Iterator[str]:
    return (f"    {line}" for line in lines)
