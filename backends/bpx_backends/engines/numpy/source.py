"""Write nests as Python source for numba: loops over flat arrays, in the arrays' dtype.

Each nest of a kernel is a text of its own, in which its arrays are numbered. Sizes, and numbers
such as 1/n, are arguments. So the layers of a network, networks of other widths and depths, and
a smaller last batch all share texts that are compiled once.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from bpx.program.fusion import REDUCTIONS, Kernel, Nest, is_column_reduction
from bpx.program.operation import Operand, Value
from bpx.program.plan import Plan
from bpx_backends.engines.numpy.expressions import varies
from bpx_backends.engines.numpy.functions import FUNCTIONS, definitions, vectorized
from bpx_backends.engines.numpy.nests import ADD, NestWriter

__all__ = ["Source", "sources", "splits"]


_Names: TypeAlias = Mapping[Value, str]
_Constants: TypeAlias = Mapping[float, str]


class Source(NamedTuple):
    """A function's text, and the arguments of its call.

    Attributes
    ----------
    text : str
        The text of a module with a C function ``kernel``, whose argument is a block of int64:
        the part and the number of parts, and the addresses of the sizes, of the numbers and
        of the arrays.
    sizes : tuple of int
        n and k; in a stack, K before them.
    numbers : tuple of float
        The constants that are not in the text.
    arguments : tuple of Value
        One value for each flat array; values that share its memory are not listed.
    flat : bool
        Whether each part works on its own share of every array, from its beginning.
    """

    text: str
    sizes: tuple[int, ...]
    numbers: tuple[float, ...]
    arguments: tuple[Value, ...]
    flat: bool


def sources(plan: Plan, kernel: Kernel) -> tuple[Source, ...]:
    """Write the source of each nest of one of a plan's kernels."""
    shared, writes = plan.overwritten(kernel), set(kernel.writes)
    return tuple(_source(nest, shared, writes) for nest in kernel.nests)


def _source(nest: Nest, shared: Mapping[Value, Value], writes: set[Value]) -> Source:
    operations = nest.operations
    made = {op.result for op in operations}
    touched = dict.fromkeys([v for op in operations for v in op.values if v not in made])
    touched |= dict.fromkeys([op.result for op in operations if op.result in writes])
    arguments = tuple(dict.fromkeys([shared.get(v, v) for v in touched]))
    numbered = {v: f"x{i}" for i, v in enumerate(arguments)}
    names = {v: numbered[shared.get(v, v)] for v in touched}
    numbers = tuple(dict.fromkeys(v for op in operations for v in op.operands if varies(v)))
    constants = {number: f"c{i}" for i, number in enumerate(numbers)}
    text, flat = _written(_Form(nest, names, writes, constants))
    return Source(text, nest.sizes, numbers, arguments, flat)


class _Form:
    """What a nest's text is written from, and a key; forms of one key have one text."""

    def __init__(
        self, nest: Nest, names: _Names, writes: set[Value], constants: _Constants
    ) -> None:
        self.nest, self.names, self.writes, self.constants = nest, names, writes, constants
        self.key = nest.sizes, *map(tuple, self._phases())

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Form) and self.key == other.key

    def _phases(self) -> Iterator[list[Any]]:
        numbers: dict[Value, int] = {}

        def sign(v: Operand) -> Any:
            if not isinstance(v, Value):
                return self.constants[v] if varies(v) else repr(v)
            if v in numbers:
                return numbers[v]
            numbers[v] = len(numbers)
            return v.shape, v.dtype.name, self.names.get(v), v in self.writes

        for phase in self.nest.phases:
            yield [
                (op.name, op.attributes, *map(sign, (*op.operands, op.result))) for op in phase
            ]


@lru_cache(maxsize=256)
def _written(form: _Form) -> tuple[str, bool]:
    """Return the text of a module, and whether its loop is flat."""
    writer = NestWriter(form.nest, form.names, form.writes, form.constants)
    dtypes = {name: v.dtype.name for v, name in form.names.items()}
    lines = [
        "def kernel(block):",
        "part, parts = uint64(block[0]), uint64(block[1])",
        "sizes, numbers = uint64_at(block[2]), float64_at(block[3])",
        *(
            f"{name} = {dtype}_at(block[{i}])"
            for i, (name, dtype) in enumerate(dtypes.items(), 4)
        ),
        *(f"{name} = numbers[{i}]" for i, name in enumerate(form.constants.values())),
        *writer.lines(),
    ]
    text = "\n    ".join(lines)
    adding = _ADDING if f"{ADD}(" in text else ""
    used = {"uint64_at", "float64_at", *(f"{each}_at" for each in dtypes.values())}
    head = _HEAD.format(used=", ".join(sorted(used)), helpers=adding + _functions(text))
    return f"{head}{text}\n", writer.flat


def _functions(text: str) -> str:
    """Return the functions that a kernel's text calls."""
    needed = [
        (name, dtype)
        for name in FUNCTIONS
        for dtype in ("float32", "float64")
        if f"{vectorized(name, dtype)}(" in text
    ]
    return _BITS + definitions(needed) if needed else ""


_HEAD = """import numba
import numpy as np
from bpx_backends.engines.numpy.addresses import {used}
from numpy import float32, float64, int8, int16, int32, int64, uint8, uint16, uint32, uint64

{helpers}
@numba.cfunc(
    "void(CPointer(int64))", error_model="numpy", fastmath={{"contract"}}, cache=True
)
"""
_BITS = """
from bpx_backends.engines.numpy.bits import float32_of, float64_of, int32_of, int64_of

"""
_ADDING = f"""
@numba.njit(fastmath={{"contract", "reassoc"}})
def {ADD}(x, y):
    return x + y

"""


def splits(plan: Plan, kernel: Kernel) -> bool:
    """Whether a kernel's parts can run at the same time: 0 of 2, and 1 of 2.

    No nest needs another's results, and each can be split in two.
    """
    shared, roots = plan.overwritten(kernel), plan.roots
    states = {
        v: plan.program.state[i] for v in kernel.writes if (i := plan.states.get(v)) is not None
    }
    shared |= states
    overwritten: dict[Value, set[int]] = {}
    for i, nest in enumerate(kernel.nests):
        for op in nest.operations:
            if op.result in shared:
                over = shared[op.result]
                overwritten.setdefault(roots.get(over, over), set()).add(i)
    made: set[Value] = set()
    for i, nest in enumerate(kernel.nests):
        reads = {roots.get(v, v) for op in nest.operations for v in op.values}
        others = any(overwritten.get(v, {i}) != {i} for v in reads)
        if others or reads & made or not _is_split(nest):
            return False
        made |= {op.result for op in nest.operations}
    return True


def _is_split(nest: Nest) -> bool:
    reduced = [op for op in nest.operations if op.name in REDUCTIONS]
    columns = any(is_column_reduction(op) for op in reduced)
    rows = any(not is_column_reduction(op) for op in reduced)
    both = columns and rows and nest.stack == 1  # a stack is split between its matrices
    return not both and nest.domain != (1, 1)
