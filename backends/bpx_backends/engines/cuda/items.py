"""The items of a GPU's stream: launches, products, other calls, sums over the ranks."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple, Protocol

from bpx.program.operation import Operation
from bpx_backends.engines.cuda.layout import Place
from bpx_backends.engines.cuda.loops import Function

__all__ = [
    "Call",
    "Item",
    "Launch",
    "Product",
    "Sum",
    "conflict",
    "matrix_order",
    "merged",
    "overlap",
    "parts",
]

Spans = Sequence[tuple[int, int]]
"""Ranges of bytes in the arena, each with its begin and end."""


class Touching(Protocol):
    """An item that reads and writes bytes of the arena."""

    @property
    def reads(self) -> Spans:
        """The bytes that are read."""

    @property
    def writes(self) -> Spans:
        """The bytes that are written."""


class Launch(NamedTuple):
    """One launch of functions that touch none of one another's memory."""

    functions: tuple[Function, ...]

    @property
    def threads(self) -> int:
        """The threads of each block."""
        return max(each.threads for each in self.functions)

    @property
    def blocks(self) -> int:
        """The blocks of all functions together."""
        return sum(each.blocks_of(self.threads) for each in self.functions)

    @property
    def reads(self) -> Spans:
        """The bytes of the arena that are read."""
        return [span for each in self.functions for span in each.reads]

    @property
    def writes(self) -> Spans:
        """The bytes that are written."""
        return [span for each in self.functions for span in each.writes]


class Product(NamedTuple):
    """``out = a @ b``, plus a vector for each row if `bias` is given.

    If `onto` is 1, the product is added to what is in `out`; if it is -1, subtracted.
    """

    a: Place
    b: Place
    out: Place
    bias: Place | None = None
    onto: int = 0

    @property
    def reads(self) -> Spans:
        """The bytes of the arena that are read."""
        old = self.out if self.onto else None
        return [each.span for each in (self.a, self.b, self.bias, old) if each]

    @property
    def writes(self) -> Spans:
        """The bytes that are written."""
        return [self.out.span]


class Call(NamedTuple):
    """An operation that a function of the library computes, since no kernel can."""

    operation: Operation
    operands: tuple[Place | bool | int | float, ...]
    out: Place

    @property
    def reads(self) -> Spans:
        """The bytes of the arena that are read."""
        return [each.span for each in self.operands if isinstance(each, Place)]

    @property
    def writes(self) -> Spans:
        """The bytes that are written."""
        return [self.out.span]


class Sum(NamedTuple):
    """A sum over the ranks of a training, in place: ``group.all_reduce`` of a vector."""

    group: Any
    place: Place

    @property
    def reads(self) -> Spans:
        """The bytes of the arena that are read."""
        return [self.place.span]

    @property
    def writes(self) -> Spans:
        """The bytes that are written."""
        return [self.place.span]


Item = Launch | Product | Call | Sum


def matrix_order(place: Place) -> tuple[bool, int] | None:
    """Return whether a matrix is stored transposed, and the step between its stored rows.

    None if neither its rows nor its columns are contiguous.
    """
    (rows, columns), (down, along) = place.shape, place.strides
    if columns == 1 or along == 1:
        step = down if rows > 1 else columns
        if step >= columns:
            return False, step
    if rows == 1 or down == 1:
        step = along if columns > 1 else rows
        if step >= rows:
            return True, step
    return None


def conflict(a: Touching, b: Touching) -> bool:
    """Whether one writes what the other touches, so that their order matters."""
    return (
        overlap(a.writes, b.reads) or overlap(a.writes, b.writes) or overlap(a.reads, b.writes)
    )


def overlap(some: Spans, others: Spans) -> bool:
    """Whether the ranges have bytes in common."""
    return any(a < d and c < b for a, b in some for c, d in others)


def merged(items: Iterable[Item]) -> list[Item]:
    """Join each launch with the last earlier one, if nothing in between conflicts."""
    found: list[Item] = []
    for item in items:
        if not isinstance(item, Launch) or not _merge(found, item):
            found.append(item)
    return found


def _merge(items: list[Item], launch: Launch) -> bool:
    for i, earlier in reversed(list(enumerate(items))):
        if conflict(earlier, launch):
            return False
        if isinstance(earlier, Launch):
            items[i] = Launch((*earlier.functions, *launch.functions))
            return True
    return False


def parts(items: Sequence[Item]) -> dict[range, bool]:
    """Divide items into sums over the ranks and what is between them, by their positions.

    Returns
    -------
    dict of range to bool
        In order; whether the items of a part are sums.
    """
    found: dict[range, bool] = {}
    for is_sum, group in groupby(range(len(items)), lambda i: isinstance(items[i], Sum)):
        places = list(group)
        found[range(places[0], places[-1] + 1)] = is_sum
    return found
