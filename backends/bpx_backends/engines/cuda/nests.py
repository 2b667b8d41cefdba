"""Turn the nests of a kernel into launches of loops.

The blocks of a launch run in any order on a GPU, so dependent loops are separate launches, and
independent ones share one.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from bpx.program.fusion import Nest
from bpx.program.operation import Operation, Value
from bpx_backends.engines.cuda.columns import column_slices, columns
from bpx_backends.engines.cuda.flat import flat
from bpx_backends.engines.cuda.items import Launch, conflict, overlap
from bpx_backends.engines.cuda.layout import Layout
from bpx_backends.engines.cuda.loops import WARP, Function, Loop
from bpx_backends.engines.cuda.rows import row_slices, rows

__all__ = ["launches", "loops_of", "splitted"]


def launches(loops: Iterable[Loop]) -> list[Launch]:
    """Return as few launches as the loops' dependencies allow."""
    ranks: list[list[Loop]] = []
    for loop in loops:
        if ranks and _joined(ranks[-1], loop):
            continue
        numbered = enumerate(ranks, start=1)
        at = max((i for i, rank in numbered if _in_the_way(rank, loop)), default=0)
        ranks.extend([] for _ in range(at + 1 - len(ranks)))
        ranks[at].append(loop)
    return [Launch(tuple(map(_function, rank))) for rank in ranks]


def loops_of(nest: Nest, stores: frozenset[Value], layout: Layout) -> Iterator[Loop]:
    """Yield the loops of a nest, in order, one for each independent part.

    Parameters
    ----------
    nest : Nest
    stores : set of Value
        The results that go to memory.
    layout : Layout
        Places are added to it for values that need one.
    """
    for phases in _parts(nest, stores, layout):
        yield from splitted(Loop(nest.domain, phases, layout.places, stores), layout)


def splitted(loop: Loop, layout: Layout) -> Iterator[Loop]:
    """Split a loop into one or several that a function can hold."""
    if loop.columns and loop.by_rows and loop.domain[1] > WARP:
        yield from _columns_apart(loop, layout)
    elif (slices := _slices(loop)) > 1:
        yield from _sums_of_sums(loop, slices, layout)
    else:
        yield loop


def _function(loop: Loop) -> Function:
    if loop.by_rows:
        return rows(loop)
    return columns(loop) if loop.columns else flat(loop)


def _slices(loop: Loop) -> int:
    if not loop.columns:
        return 1
    return row_slices(loop) if loop.by_rows else column_slices(loop)


def _parts(
    nest: Nest, stores: frozenset[Value], layout: Layout
) -> Iterator[list[list[Operation]]]:
    """Yield the phases of each part that shares no result and no written memory with others."""
    parts: list[_Part] = []
    for op in nest.operations:
        own = _Part([op], stores, layout)
        touching = [part for part in parts if part.touches(own)]
        joined = [each for part in (*touching, own) for each in part.operations]
        parts = [part for part in parts if part not in touching]
        parts.append(_Part(joined, stores, layout))
    for part in parts:
        phases = ([op for op in phase if op in part.operations] for phase in nest.phases)
        yield [phase for phase in phases if phase]


class _Part:
    """Operations of a nest that must stay together."""

    def __init__(
        self, operations: list[Operation], stores: frozenset[Value], layout: Layout
    ) -> None:
        self.operations = operations
        self.made = {op.result for op in operations}
        self.used = {v for op in operations for v in op.values}
        self.reads = [layout.places[v].span for v in self.used if v in layout.places]
        self.writes = [layout.places[v].span for v in self.made if v in stores]

    def touches(self, other: "_Part") -> bool:
        """Whether both must stay in one loop."""
        return bool(self.made & other.used or other.made & self.used) or conflict(self, other)


def _columns_apart(loop: Loop, layout: Layout) -> Iterator[Loop]:
    """Separate long rows from their column sums, which come before or after them."""
    made = loop.made
    needed = {op.values[0] for op in loop.columns} & made
    for value in needed - loop.stores:
        layout.add(value)
    before = [op for op in loop.columns if op.values[0] not in made]
    after = [op for op in loop.columns if op.values[0] in made]
    if before:
        yield from splitted(replace(loop, phases=[before]), layout)
    summed = {*before, *after}
    phases = ([op for op in phase if op not in summed] for phase in loop.phases)
    yield replace(
        loop, phases=[phase for phase in phases if phase], stores=loop.stores | needed
    )
    if after:
        yield from splitted(replace(loop, phases=[after]), layout)


def _sums_of_sums(loop: Loop, slices: int, layout: Layout) -> Iterator[Loop]:
    """Split the rows into slices, each with its own sums; then sum these."""
    n, k = loop.domain
    parts = {op: Value((slices, k), op.result.dtype) for op in loop.columns}
    for value in parts.values():
        layout.add(value)

    def partial(op: Operation) -> Operation:
        if op not in parts:
            return op
        name = "sum" if op.name == "mean" else op.name
        return Operation(name, op.operands, parts[op], (("axis", 0),))

    phases = [[partial(op) for op in phase] for phase in loop.phases]
    yield replace(loop, phases=phases, stores=loop.stores | set(parts.values()))
    count = ("axis", 0), ("count", n)
    totals = [Operation(op.name, (v,), op.result, count) for op, v in parts.items()]
    yield replace(loop, domain=(slices, k), phases=[totals])


def _in_the_way(rank: Sequence[Loop], loop: Loop) -> bool:
    return any(conflict(earlier, loop) for earlier in rank)


def _joined(rank: list[Loop], loop: Loop) -> bool:
    """Append per-row work to the loop over rows that it depends on, if that is the only one."""
    needed = [earlier for earlier in rank if conflict(earlier, loop)]
    if len(needed) != 1 or not _is_tail(loop, needed[0]):
        return False
    (by_rows,) = needed
    rank[rank.index(by_rows)] = replace(by_rows, tail=[*by_rows.tail, *loop.phases[0]])
    return True


def _is_tail(loop: Loop, by_rows: Loop) -> bool:
    """Whether a flat loop has one element per row, and needs only that row's results."""
    flat_one = loop.domain[0] == 1 and not loop.by_rows and not loop.columns
    ours = set(loop.read) & by_rows.made
    others = [loop.places[v].span for v in loop.read if v not in ours]
    touched = [*by_rows.reads, *by_rows.writes]
    return (
        flat_one
        and loop.domain[1] == by_rows.domain[0]
        and bool(ours)
        and ours <= by_rows.row_results
        and not overlap(others, by_rows.writes)
        and not overlap(loop.writes, touched)
    )
