"""Sums over the ranks of a training: what is copied before, and the vector that is summed."""

from collections.abc import Iterator

from bpx.program.instructions import Exchange
from bpx.program.plan import Plan
from bpx_backends.engines.cuda.layout import Layout, Place

__all__ = ["copies", "vector"]


def copies(layout: Layout, exchange: Exchange) -> Iterator[tuple[Place, Place]]:
    """Yield the arrays that are not yet where they are summed, with the places of the sums."""
    for op in exchange.operations:
        own, total = layout.places[op.values[0]], layout.places[op.result]
        if total.size and own.offset != total.offset:
            yield own, total


def vector(plan: Plan, layout: Layout, exchange: Exchange) -> Place:
    """Return the place of all sums, side by side: between two are bytes that nothing reads."""
    message, first = plan.message(exchange), exchange.writes[0]
    assert message is not None  # no plan puts a sum elsewhere
    begin, end = (each - plan.offsets[first] for each in message)
    count = (end - begin) // first.dtype.itemsize
    return Place(layout.places[first].offset + begin, first.dtype, (count,), (1,))
