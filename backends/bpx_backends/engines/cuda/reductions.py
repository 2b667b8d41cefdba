"""Lines common to loops that reduce: the start and the steps of a reduction."""

from collections.abc import Iterator, Mapping, Sequence

from bpx.program.operation import Operation, Value
from bpx_backends.engines.cuda.expressions import TYPES, largest, literal, smallest
from bpx_backends.engines.cuda.loops import WARP
from bpx_backends.engines.cuda.scribe import Scribe

__all__ = [
    "KINDS",
    "accumulate",
    "count",
    "cut",
    "finish",
    "lanes_of",
    "start",
    "thread_lines",
]

KINDS = {
    "sum": "Sum",
    "mean": "Sum",
    "max": "Largest",
    "min": "Smallest",
    "argmax": "First",
}
"""The prelude's names of the reductions."""


def lanes_of(k: int) -> int:
    """Return the threads that share a row: a power of two, at most a warp."""
    return min(WARP, 1 << (k - 1).bit_length())


def cut(n: int, lanes: int, width: int) -> tuple[int, int]:
    """Return a block's threads, and the number of blocks that share the rows in a column sum.

    It is one block, without a second sum over blocks, if that takes few passes.
    """

    def passes(threads: int) -> int:
        return -(-n // (threads // lanes * width))

    threads = next((t for t in (256, 512, 1024) if passes(t) <= 2), 512)
    return threads, 1 if passes(threads) <= 8 else min(64, -(-passes(threads) // 4))


def thread_lines(lanes: int) -> Iterator[str]:
    """Yield the line with a thread's position: its lane in a group, the group in the block."""
    yield (
        f"const int lane = threadIdx.x % {lanes}, group = threadIdx.x / {lanes}, "
        f"groups = blockDim.x / {lanes};"
    )


def start(op: Operation, name: str) -> str:
    """Return the line that starts a reduction."""
    dtype = op.values[0].dtype
    if op.name == "argmax":
        found = _found(op)
        return f"{found} {name} = {found}{{{smallest(dtype)}, 0x7fffffffffffffffLL}};"
    begin = {"min": largest(dtype), "max": smallest(dtype)}.get(op.name, literal(0, dtype))
    return f"{TYPES[dtype.name]} {name} = {begin};"


def accumulate(op: Operation, name: str, index: str) -> str:
    """Return a template of the line that adds a column's element, ``{}``, to a reduction."""
    element = "{}"
    if op.name == "argmax":
        element = f"{_found(op)}{{{{{{}}, (long long)({index})}}}}"
    return f"{name} = {KINDS[op.name]}::of({name}, {element});"


def count(op: Operation, elements: int) -> str:
    """Return the divisor of a mean; for partial sums, it is more than the elements."""
    return literal(op.attribute("count", elements), op.result.dtype)


def finish(
    s: Scribe, columns: Sequence[Operation], sums: Mapping[Value, str], lanes: int, part: str
) -> Iterator[str]:
    """Yield the lines that sum over the block's groups and store each column's sum."""
    n, k = s.loop.domain
    for op in columns:
        name, to = sums[op.result], s.pointer(op.result)
        over = f" / {count(op, n)}" if op.name == "mean" else ""
        yield f"{name} = over_groups<{KINDS[op.name]}, {lanes}>({name}, memory);"
        yield f"if (group == 0 && inside) {to}[{part} * {k} + j] = {name}{over};"


def _found(op: Operation) -> str:
    return f"Found<{TYPES[op.values[0].dtype.name]}>"
