"""Loops of a plan: nests that have their places, and the functions that they become.

A loop becomes a device function of the arena, of its block's number and of addresses, so
that the loops of equal layers share one text. `Scribe` writes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bpx.program.fusion import REDUCTIONS, is_column_reduction
from bpx.program.operation import Operation, Value
from bpx_backends.engines.cuda.layout import Place

__all__ = ["VECTOR", "WARP", "Function", "Loop", "Steps", "row_step", "steps"]

WARP = 32
"""Threads that run together, and can shuffle."""
VECTOR = 4
"""Elements that a thread takes at once: 16 bytes of float32."""
_MANY_BLOCKS = 4096


class Function(NamedTuple):
    """A device function's text, and one call of it.

    Attributes
    ----------
    text : str
        Its body, which takes ``a0, a1, …`` beside the arena, the slots and the block.
    arguments : tuple of int
        What a0, a1, … are in this call: addresses in the arena and sizes.
    threads : int
        Of a block, as it likes best; any power of two from 256 on will do.
    items : int
        Threads that have work; more blocks than these need are not started.
    blocks : int
        0, or how many blocks there are whatever the threads.
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
        """How many blocks of so many threads it is started with."""
        return self.blocks or min(_MANY_BLOCKS, -(-self.items // threads))


@dataclass(frozen=True, eq=False)
class Loop:
    """A nest that has its places: see `bpx.program.fusion.Nest`.

    Attributes
    ----------
    domain : (int, int)
        n rows and k columns.
    phases : sequence of sequences of Operation
    places : mapping of Value to Place
        Of all that is read or stored.
    stores : set of Value
        The results that go to memory.
    tail : sequence of Operation
        Of shape (n,) or (n, 1), done for each row after the last phase.
    """

    domain: tuple[int, int]
    phases: Sequence[Sequence[Operation]]
    places: Mapping[Value, Place]
    stores: frozenset[Value]
    tail: Sequence[Operation] = ()

    @property
    def operations(self) -> list[Operation]:
        """All, in order."""
        return [op for phase in (*self.phases, self.tail) for op in phase]

    @property
    def made(self) -> set[Value]:
        """What it computes."""
        return {op.result for op in self.operations}

    @property
    def read(self) -> list[Value]:
        """What it reads of others, in order."""
        made = self.made
        reads = (v for op in self.operations for v in op.values if v not in made)
        return list(dict.fromkeys(reads))

    @property
    def stored(self) -> list[Value]:
        """What it stores, in order."""
        return [op.result for op in self.operations if op.result in self.stores]

    @property
    def columns(self) -> list[Operation]:
        """The reductions over the rows."""
        return [op for op in self.operations if is_column_reduction(op)]

    @property
    def row_results(self) -> set[Value]:
        """The results of which there is one for each row."""
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
        """The bytes of the arena that it reads of others."""
        return [self.places[v].span for v in self.read]

    @property
    def writes(self) -> list[tuple[int, int]]:
        """The bytes that it writes."""
        return [self.places[v].span for v in self.stored]


class Steps(NamedTuple):
    """How far an element is from the next one, down a column and along a row."""

    row: int
    column: int


def steps(place: Place, domain: tuple[int, int]) -> Steps:
    """An array's steps in a domain over which it is broadcast; from the right, as ever."""
    axes = zip(place.shape, place.strides, strict=True)
    row, column = [0, 0, *(stride if size > 1 else 0 for size, stride in axes)][-2:]
    # In a domain of one row whatever moves moves along it, a column (k, 1) too.
    return Steps(0, row or column) if domain[0] == 1 else Steps(row, column)


def row_step(place: Place) -> int:
    """The step of an array of shape (n,) or (n, 1) from row to row."""
    axes = zip(place.shape, place.strides, strict=True)
    return next((stride for size, stride in axes if size > 1), 0)
