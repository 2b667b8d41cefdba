"""The memory of a plan's arrays: one block of scratch memory, in which places are reused.

A result takes a place when the instruction that computes it begins, and frees it after the
last instruction that reads it. An elementwise result takes over the place of an operand that
is read there for the last time.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from types import MappingProxyType

from bpx.program.operation import Value

__all__ = ["ALIGNMENT", "assign", "lifetimes"]

ALIGNMENT = 64
"""In bytes: a cache line, and the widest vector register."""


def lifetimes(
    made: Sequence[Iterable[Value]], read: Sequence[Iterable[Value]]
) -> dict[Value, tuple[int, int]]:
    """The instruction that makes each value, and the last one that reads it."""
    lives = {value: (i, i) for i, values in enumerate(made) for value in values}
    for i, values in enumerate(read):
        for value in values:
            if value in lives:
                lives[value] = lives[value][0], max(i, lives[value][1])
    return lives


def assign(
    made: Sequence[Iterable[Value]],
    lives: dict[Value, tuple[int, int]],
    inherits: Callable[[int, Value], Iterable[Value]],
    beside: Mapping[int, Sequence[tuple[Value, Value]]] = MappingProxyType({}),
) -> tuple[dict[Value, int], int]:
    """Assign an offset in bytes to each value; also return the size of the block.

    Parameters
    ----------
    made : sequence of iterables of Value
        For each instruction, the values that need a place.
    lives : dict
        The result of `lifetimes`.
    inherits : callable
        ``inherits(instruction, value)`` returns the operands that the value may replace in
        memory if they are read there for the last time.
    beside : mapping of int to sequence of pairs of Value, optional
        For some instructions, pairs of an operand and a result. These results lie side by
        side, in this order; each has its operand's place, if that is read there for the last
        time.
    """
    space, offsets = _Space(), dict[Value, int]()
    blocks, inside = list[_Block](), dict[Value, _Block]()
    for i, pairs in beside.items():
        if pairs:
            blocks.append(_Block(i, pairs, lives, inside))
            inside |= dict.fromkeys(blocks[-1].places, blocks[-1])
    taken = set(inside)
    ends: dict[int, list[Value]] = {}
    for value, (_, last) in lives.items():
        ends.setdefault(last, []).append(value)
    for i, values in enumerate(made):
        for value in values:
            if value in inside:
                offsets[value] = inside[value].offset(value, space)
                continue
            heirloom = next(
                (
                    dying
                    for dying in inherits(i, value)
                    if dying in offsets and dying not in taken
                    and lives[dying][1] == i and dying.nbytes == value.nbytes
                ),
                None,
            )  # fmt: skip
            if heirloom is None:
                offsets[value] = space.take(_aligned(value.nbytes))
            else:
                offsets[value] = offsets[heirloom]
                taken.add(heirloom)
        for value in ends.get(i, ()):
            if value in offsets and value not in taken:
                space.give(offsets[value], _aligned(value.nbytes))
        for block in blocks:
            if block.last == i:
                space.give(block.begin, block.size)
    return offsets, space.size


def _aligned(nbytes: int) -> int:
    return -(-max(nbytes, 1) // ALIGNMENT) * ALIGNMENT


class _Block:
    """A place for results that lie side by side, taken when its first operand is made."""

    def __init__(
        self,
        i: int,
        pairs: Sequence[tuple[Value, Value]],
        lives: Mapping[Value, tuple[int, int]],
        elsewhere: Container[Value],
    ) -> None:
        self.places: dict[Value, int] = {}
        self.size, self.begin = 0, -1
        for operand, result in pairs:
            self.places[result] = self.size
            is_free = operand in lives and lives[operand][1] == i
            if is_free and operand not in self.places and operand not in elsewhere:
                self.places[operand] = self.size
            self.size += _aligned(result.nbytes)
        self.last = max(lives[result][1] for _, result in pairs)

    def offset(self, value: Value, space: "_Space") -> int:
        """Return a value's offset, in a place that is taken from the space once."""
        if self.begin < 0:
            self.begin = space.take(self.size)
        return self.begin + self.places[value]


class _Space:
    """Free places in a block that grows at its end."""

    def __init__(self) -> None:
        self.size = 0
        self.free: list[tuple[int, int]] = []  # (offset, bytes), sorted
        self.by_size: list[tuple[int, int]] = []  # (bytes, offset), sorted

    def take(self, nbytes: int) -> int:
        """Return the offset of the smallest free place with enough bytes."""
        fitting = bisect_left(self.by_size, (nbytes, 0))
        if fitting == len(self.by_size):
            return self._grown(nbytes)
        size, offset = self.by_size[fitting]
        self._remove(offset, size)
        if size > nbytes:
            self._add(offset + nbytes, size - nbytes)
        return offset

    def give(self, offset: int, nbytes: int) -> None:
        """Free a place, and join it with its free neighbours."""
        at = bisect_left(self.free, (offset, 0))
        for start, size in self.free[max(at - 1, 0) : at + 1]:
            if start + size == offset or offset + nbytes == start:
                self._remove(start, size)
                offset, nbytes = min(start, offset), size + nbytes
        self._add(offset, nbytes)

    def _add(self, offset: int, nbytes: int) -> None:
        insort(self.free, (offset, nbytes))
        insort(self.by_size, (nbytes, offset))

    def _remove(self, offset: int, nbytes: int) -> None:
        del self.free[bisect_left(self.free, (offset, nbytes))]
        del self.by_size[bisect_left(self.by_size, (nbytes, offset))]

    def _grown(self, nbytes: int) -> int:
        """Make a place at the end, where a free one is extended."""
        offset = self.size
        if self.free and sum(self.free[-1]) == self.size:
            offset, size = self.free[-1]
            self._remove(offset, size)
        self.size = offset + nbytes
        return offset
