"""What loops that reduce have in common: where a reduction begins, and how it goes on."""

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
"""What the prelude calls a reduction."""


def lanes_of(k: int) -> int:
    """The threads that share a row: a power of two, a warp at most."""
    return min(WARP, 1 << (k - 1).bit_length())


def cut(n: int, lanes: int, width: int) -> tuple[int, int]:
    """A block's threads, and the blocks that share the rows, where rows are summed.

    One block, with no second sum over blocks, as long as it has few passes to make.
    """

    def passes(threads: int) -> int:
        return -(-n // (threads // lanes * width))

    threads = next((t for t in (256, 512, 1024) if passes(t) <= 2), 512)
    return threads, 1 if passes(threads) <= 8 else min(64, -(-passes(threads) // 4))


def thread_lines(lanes: int) -> Iterator[str]:
    """Where a thread stands: its lane in a group, the group in the block."""
    yield (
        f"const int lane = threadIdx.x % {lanes}, group = threadIdx.x / {lanes}, "
        f"groups = blockDim.x / {lanes};"
    )


def start(op: Operation, name: str) -> str:
    """The line that begins a reduction."""
    dtype = op.values[0].dtype
    if op.name == "argmax":
        found = _found(op)
        return f"{found} {name} = {found}{{{smallest(dtype)}, 0x7fffffffffffffffLL}};"
    begin = {"min": largest(dtype), "max": smallest(dtype)}.get(op.name, literal(0, dtype))
    return f"{TYPES[dtype.name]} {name} = {begin};"


def accumulate(op: Operation, name: str, index: str) -> str:
    """A template of the line that takes an element, ``{}``, of a column into a reduction."""
    element = "{}"
    if op.name == "argmax":
        element = f"{_found(op)}{{{{{{}}, (long long)({index})}}}}"
    return f"{name} = {KINDS[op.name]}::of({name}, {element});"


def count(op: Operation, elements: int) -> str:
    """What a mean divides by: of partial sums, more than the elements."""
    return literal(op.attribute("count", elements), op.result.dtype)


def finish(
    s: Scribe, columns: Sequence[Operation], sums: Mapping[Value, str], lanes: int, part: str
) -> Iterator[str]:
    """The lines that sum over the block's groups and store the sum of each column."""
    n, k = s.loop.domain
    for op in columns:
        name, to = sums[op.result], s.pointer(op.result)
        over = f" / {count(op, n)}" if op.name == "mean" else ""
        yield f"{name} = over_groups<{KINDS[op.name]}, {lanes}>({name}, memory);"
        yield f"if (group == 0 && inside) {to}[{part} * {k} + j] = {name}{over};"


def _found(op: Operation) -> str:
    return f"Found<{TYPES[op.values[0].dtype.name]}>"
