"""What must come before what, where more such pairs are added one by one.

All operations stand in one sequence that obeys the pairs so far. Whether one leads to another
is then a search between the two only, and a new pair moves only what stands between them
(Pearce and Kelly 2006, "A dynamic topological sort algorithm for directed acyclic graphs").
So a deep network's layers do not search one another.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from bpx.program.operation import Operation

__all__ = ["Order", "Precedence"]

Order = dict[Operation, list[Operation]]
"""The operations that must precede each operation."""


class Precedence:
    """The operations that must precede each one, without a circle.

    Parameters
    ----------
    before : dict of Operation to list of Operation
        It is added to. Each operation stands behind those that precede it.
    """

    def __init__(self, before: Order) -> None:
        self.before = before
        self._places = {op: i for i, op in enumerate(before)}
        self._after: Order = {op: [] for op in before}
        for op, earlier in before.items():
            for each in earlier:
                self._after[each].append(op)

    def leads(self, first: Operation, last: Operation) -> bool:
        """Whether `last` must wait for `first`, or is it."""
        return first in self._preceding(last, self._places[first])

    def add(self, earlier: Iterable[Operation], later: Operation) -> None:
        """Let `later` wait for others, none of which it leads to."""
        known = set(self.before[later])
        for each in earlier:
            if each not in known:
                known.add(each)
                self._move(each, later)
                self.before[later].append(each)
                self._after[each].append(later)

    def _move(self, first: Operation, last: Operation) -> None:
        """Put `first`, and what it waits for, before `last`, and what waits for that."""
        places = self._places
        begin, end = places[last], places[first]
        if end < begin:
            return
        earlier = sorted(self._preceding(first, begin), key=places.__getitem__)
        later = _reached(last, self._after, lambda op: places[op] <= end)
        moved = [*earlier, *sorted(later, key=places.__getitem__)]
        for op, place in zip(moved, sorted(places[op] for op in moved), strict=True):
            places[op] = place

    def _preceding(self, op: Operation, begin: int) -> set[Operation]:
        """The operation and those that it waits for, from a place on."""
        return _reached(op, self.before, lambda each: self._places[each] >= begin)


def _reached(
    op: Operation,
    others: Mapping[Operation, Sequence[Operation]],
    within: Callable[[Operation], bool],
) -> set[Operation]:
    """An operation and all that it leads to, directly or not, within bounds."""
    seen, waiting = {op}, [op]
    while waiting:
        new = {each for each in others[waiting.pop()] if within(each)} - seen
        seen |= new
        waiting += new
    return seen
