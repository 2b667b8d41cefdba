"""What may come after what: states that are written over, an order, and its stages."""

from collections.abc import Iterable, Mapping, Sequence

from bpx.program.fusion import ELEMENTWISE, REDUCTIONS
from bpx.program.operation import Operation, Value
from bpx.program.program import Program

__all__ = ["Order", "makers", "ordered", "postpone", "staged", "written_over"]

Order = dict[Operation, list[Operation]]
"""What must have been done before each operation."""


def makers(work: Sequence[Operation], roots: Mapping[Value, Value]) -> Order:
    """The makers of each operation's operands."""
    maker = {op.result: op for op in work}
    return {
        op: list(
            dict.fromkeys(maker[root] for v in op.values if (root := roots.get(v, v)) in maker)
        )
        for op in work
    }


def written_over(
    program: Program,
    work: Sequence[Operation],
    roots: Mapping[Value, Value],
    before: Order,
    fused: set[Operation],
) -> set[int]:
    """The states whose new value can be written over the old one.

    All who read the old one must come before: that is added to `before`.
    """
    maker = {op.result: op for op in work}
    readers: dict[Value, list[Operation]] = {}
    for op in work:
        for v in {roots.get(v, v) for v in op.values}:
            readers.setdefault(v, []).append(op)
    chosen = set()
    for i, (was, after) in enumerate(zip(program.state, program.outputs, strict=True)):
        writer = maker.get(after)
        # One that stays needs no writing; a constant, or another state, is made by no one here.
        if was is after or writer is None:
            continue
        users = readers.get(was, [])
        others = [op for op in users if op is not writer]
        if writer in users and not _reads_where_it_writes(writer, was, roots, fused):
            continue
        # A reduction adds up in its result, while others in its kernel still read the old one.
        if others and writer.name in REDUCTIONS:
            continue
        # Who waits for the new one cannot come before it.
        if any(_leads(writer, op, before) for op in others):
            continue
        before[writer].extend(op for op in others if op not in before[writer])
        chosen.add(i)
    return chosen


def _reads_where_it_writes(
    op: Operation, was: Value, roots: Mapping[Value, Value], fused: set[Operation]
) -> bool:
    """Whether an operation is done with each number that it reads when it writes over it."""
    # Through a view, as a transpose, the number at a place is read for another place.
    if any(v in roots and roots[v] is was for v in op.values):
        return False
    # NumPy's call fills the result with one choice before it reads the other; no kernel does.
    if op.name == "where" and op not in fused:
        return False
    # A number that is broadcast is read again for other places.
    return op.name in ELEMENTWISE and was.shape == op.result.shape


def _leads(first: Operation, last: Operation, before: Order) -> bool:
    """Whether `last` must wait for `first`."""
    seen, waiting = {last}, [last]
    while waiting:
        op = waiting.pop()
        if op is first:
            return True
        waiting.extend(each for each in before[op] if each not in seen)
        seen.update(before[op])
    return False


def ordered(
    work: Sequence[Operation], before: Order, outputs: Iterable[Value]
) -> list[Operation]:
    """What one output needs, just before it: an order in which few results are alive."""
    maker = {op.result: op for op in work}
    order: dict[Operation, None] = {}
    for output in outputs:
        waiting = [maker[output]] if output in maker else []
        while waiting:
            op = waiting[-1]
            missing = [each for each in before[op] if each not in order]
            if op in order or not missing:
                order.setdefault(op)
                waiting.pop()
            else:
                waiting.append(missing[0])
    return list(order)


def staged(
    order: Sequence[Operation], before: Order, fused: set[Operation]
) -> dict[Operation, int]:
    """Each stage is a kernel, followed by what no kernel holds."""
    stages: dict[Operation, int] = {}
    for op in order:
        stages[op] = max(
            (stages[p] + (op in fused and p not in fused) for p in before[op]), default=0
        )
    return stages


def postpone(
    order: Sequence[Operation],
    before: Order,
    fused: set[Operation],
    stages: dict[Operation, int],
) -> None:
    """What a kernel computes is computed where it is used, unless what it needs is larger.

    So all new parameters come last, together. Single numbers come first: what is left is
    then independent of one another.
    """
    last = max((stages[op] for op in order if op in fused), default=0)
    users: dict[Operation, list[Operation]] = {op: [] for op in order}
    for op in order:
        for earlier in before[op]:
            users[earlier].append(op)
    for op in reversed(order):
        largest = max((v.nbytes for v in op.values), default=0)
        if op in fused and op.result.size > 1 and op.result.nbytes >= largest:
            stages[op] = min((stages[user] for user in users[op]), default=last)
