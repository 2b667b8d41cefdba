"""Loops of a plan: nests with places, and the functions that they become.

A loop becomes a device function of the arena, its block's number and addresses, so that the
loops of equal layers share one text, which `Scribe` writes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bpx.program.fusion import REDUCTIONS, is_column_reduction
from bpx.program.operation import Operation, Value
from bpx_backends.engines.cuda.layout import Place

__all__ = ["VECTOR", "WARP", "Function", "Loop", "Steps", "row_step", "steps"]

WARP = 32
"""The threads that run together and can shuffle."""
VECTOR = 4
"""The elements that a thread takes at once: 16 bytes of float32."""
_MANY_BLOCKS = 4096


class Function(NamedTuple):
    """A device function's text, and one call of it.

    Attributes
    ----------
    text : str
        Its body, which takes ``a0, a1, …`` besides the arena, the slots and the block.
    arguments : tuple of int
        The values of a0, a1, … in this call: addresses in the arena and sizes.
    threads : int
        The preferred threads of a block; any power of two from 256 on works.
    items : int
        The number of threads with work, which limits the blocks.
    blocks : int
        A fixed number of blocks, or 0.
    reads, writes : tuple of (int, int)
        The bytes of the arena that it touches.
    """

    text: str
    arguments: tuple[int, ...]
    threads: int
    items: int
    blocks: int
    reads: tuple[tuple[int, int], ...]
    writes: tuple[tuple[int, int], ...]

    def blocks_of(self, threads: int) -> int:
        """Return the number of blocks to start, with this many threads each."""
        return self.blocks or min(_MANY_BLOCKS, -(-self.items // threads))


@dataclass(frozen=True, eq=False)
class Loop:
    """A nest with places: see `bpx.program.fusion.Nest`.

    Attributes
    ----------
    domain : (int, int)
        n rows and k columns.
    phases : sequence of sequences of Operation
    places : mapping of Value to Place
        The places of all values that are read or stored.
    stores : set of Value
        The results that go to memory.
    tail : sequence of Operation
        Operations of shape (n,) or (n, 1), done for each row after the last phase.
    """

    domain: tuple[int, int]
    phases: Sequence[Sequence[Operation]]
    places: Mapping[Value, Place]
    stores: frozenset[Value]
    tail: Sequence[Operation] = ()

    @property
    def operations(self) -> list[Operation]:
        """All operations, in order."""
        return [op for phase in (*self.phases, self.tail) for op in phase]

    @property
    def made(self) -> set[Value]:
        """The results that it computes."""
        return {op.result for op in self.operations}

    @property
    def read(self) -> list[Value]:
        """The values that it reads from elsewhere, in order."""
        made = self.made
        reads = (v for op in self.operations for v in op.values if v not in made)
        return list(dict.fromkeys(reads))

    @property
    def stored(self) -> list[Value]:
        """The results that it stores, in order."""
        return [op.result for op in self.operations if op.result in self.stores]

    @property
    def columns(self) -> list[Operation]:
        """The reductions over the rows."""
        return [op for op in self.operations if is_column_reduction(op)]

    @property
    def row_results(self) -> set[Value]:
        """The results with one element for each row."""
        rows = (op for op in self.operations if self.is_reduction(op) or self.is_row(op))
        return {op.result for op in (*rows, *self.tail)}

    def is_row(self, op: Operation) -> bool:
        """Whether an operation is done once for each row."""
        n, k = self.domain
        return op.name not in REDUCTIONS and k > 1 and op.result.shape == (n, 1)

    def is_reduction(self, op: Operation) -> bool:
        """Whether an operation reduces a row."""
        return op.name in REDUCTIONS and not is_column_reduction(op)

    @property
    def by_rows(self) -> bool:
        """Whether anything is computed once for each row."""
        return bool(self.row_results)

    @property
    def reads(self) -> list[tuple[int, int]]:
        """The bytes of the arena that it reads from elsewhere."""
        return [self.places[v].span for v in self.read]

    @property
    def writes(self) -> list[tuple[int, int]]:
        """The bytes that it writes."""
        return [self.places[v].span for v in self.stored]


class Steps(NamedTuple):
    """The distance to the next element, down a column and along a row."""

    row: int
    column: int


def steps(place: Place, domain: tuple[int, int]) -> Steps:
    """Return an array's steps in the domain to which it is broadcast, aligned at the right."""
    axes = zip(place.shape, place.strides, strict=True)
    row, column = [0, 0, *(stride if size > 1 else 0 for size, stride in axes)][-2:]
    # In a domain of one row, all steps are along it, even those of a column (k, 1).
    return Steps(0, row or column) if domain[0] == 1 else Steps(row, column)


def row_step(place: Place) -> int:
    """Return the step of an array of shape (n,) or (n, 1) from row to row."""
    axes = zip(place.shape, place.strides, strict=True)
    return next((stride for size, stride in axes if size > 1), 0)
