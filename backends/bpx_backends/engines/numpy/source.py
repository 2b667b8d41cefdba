"""Write kernels as Python source for numba: loops over flat arrays, in the arrays' dtype.

Sizes, and numbers such as 1/n, are arguments, so the layers of a network, networks of other
widths and a smaller last batch all share kernels that are compiled once.
"""

from typing import NamedTuple

from bpx.program.fusion import REDUCTIONS, Kernel, is_column_reduction
from bpx.program.operation import Value
from bpx.program.plan import Plan
from bpx_backends.engines.numpy.expressions import varies
from bpx_backends.engines.numpy.functions import FUNCTIONS, definitions, vectorized
from bpx_backends.engines.numpy.nests import ADD, NestWriter

__all__ = ["Source", "source"]


class Source(NamedTuple):
    """A function's text, and the arguments of its call.

    Attributes
    ----------
    text : str
        The text of a module with ``body(part, parts, sizes, numbers, *arrays)``, and with a C
        function ``kernel``, whose argument is a block of int64: the two numbers, and the
        addresses of the others.
    sizes : tuple of int
        n and k of each nest; in a stack, K before them.
    numbers : tuple of float
        The constants that are not in the text.
    arguments : tuple of Value
        One value for each flat array; values that share its memory are not listed.
    splits : bool
        Whether ``kernel(0, 2, …)`` and ``kernel(1, 2, …)`` can run at the same time.
    flat : bool
        Whether each part then works on its own share of every array, from its beginning.
    """

    text: str
    sizes: tuple[int, ...]
    numbers: tuple[float, ...]
    arguments: tuple[Value, ...]
    splits: bool
    flat: bool


def source(plan: Plan, kernel: Kernel) -> Source:
    """Write the source of one of a plan's kernels."""
    shared = plan.overwritten(kernel)
    arguments = tuple(dict.fromkeys(shared.get(v, v) for v in (*kernel.reads, *kernel.writes)))
    names = {v: f"x{i}" for i, v in enumerate(arguments)}
    names |= {v: names[base] for v, base in shared.items() if base in names}
    splits = _independent(plan, kernel)
    varying = [v for op in kernel.operations for v in op.operands if varies(v)]
    numbers = tuple(dict.fromkeys(varying))
    given = ", ".join(names[v] for v in arguments)
    lines = [f"def body(part, parts, sizes, numbers, {given}):"]
    lines += [f"c{i} = numbers[{i}]" for i in range(len(numbers))]
    constants = {number: f"c{i}" for i, number in enumerate(numbers)}
    writers, sizes = list[NestWriter](), list[int]()
    for nest in kernel.nests:
        writers.append(NestWriter(nest, names, set(kernel.writes), constants, len(sizes)))
        lines += writers[-1].lines()
        sizes += nest.sizes
    text = "\n    ".join(lines)
    adding = _ADDING if f"{ADD}(" in text else ""
    there = ", ".join(f"{v.dtype.name}_at(block[{4 + i}])" for i, v in enumerate(arguments))
    used = {"uint64_at", "float64_at", *(f"{v.dtype.name}_at" for v in arguments)}
    head = _HEAD.format(used=", ".join(sorted(used)), helpers=adding + _functions(text))
    text = head + text + _ENTRY.format(there=there)
    return Source(
        text,
        tuple(sizes),
        numbers,
        arguments,
        splits,
        all(w.flat for w in writers),
    )


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
@numba.njit(nogil=True, error_model="numpy", fastmath={{"contract"}})
"""
_ENTRY = """

@numba.cfunc("void(CPointer(int64))", error_model="numpy", cache=True)
def kernel(block):
    body(
        uint64(block[0]), uint64(block[1]), uint64_at(block[2]), float64_at(block[3]), {there}
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


def _independent(plan: Plan, kernel: Kernel) -> bool:
    """Whether no nest needs another's results, and each can be split in two."""
    shared, roots = plan.overwritten(kernel), plan.roots
    shared |= {v: plan.program.state[i] for v, i in plan.states.items()}
    overwritten = [{shared.get(op.result) for op in nest.operations} for nest in kernel.nests]
    made: set[Value] = set()
    for i, nest in enumerate(kernel.nests):
        reduced = [op for op in nest.operations if op.name in REDUCTIONS]
        columns = any(is_column_reduction(op) for op in reduced)
        rows = any(not is_column_reduction(op) for op in reduced)
        both = columns and rows and nest.stack == 1  # a stack is split between its matrices
        reads = {roots.get(v, v) for op in nest.operations for v in op.values}
        others = set().union(*overwritten[:i], *overwritten[i + 1 :])
        if both or reads & (made | others) or nest.domain == (1, 1):
            return False
        made |= {op.result for op in nest.operations}
    return True
