"""The order of operations: dependencies, states that are overwritten, and stages."""

from collections.abc import Iterable, Mapping, Sequence

from bpx.program.fusion import ELEMENTWISE, REDUCTIONS
from bpx.program.instructions import buckets
from bpx.program.operation import ACCUMULATE, ALL_GATHER, MESSAGES, Operation, Value
from bpx.program.precedence import Order, Precedence
from bpx.program.program import Program

__all__ = ["makers", "ordered", "postpone", "staged", "written_over"]


def makers(work: Sequence[Operation], roots: Mapping[Value, Value]) -> Order:
    """Map each operation to the makers of its operands."""
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
    precedence: Precedence,
    fused: set[Operation],
) -> set[int]:
    """Return the states in which the new value can overwrite the old one.

    All readers of the old value must run first: the function adds them to what precedes.
    """
    maker = {op.result: op for op in work}
    readers: dict[Value, list[Operation]] = {}
    for op in work:
        for v in {roots.get(v, v) for v in op.values}:
            readers.setdefault(v, []).append(op)
    # Those of a bucket are made together, where the first of them is.
    together = {op: ops for ops in buckets(work).values() for op in ops}
    chosen = set()
    for i, (was, after) in enumerate(zip(program.state, program.outputs, strict=True)):
        writer = maker.get(after)
        # An unchanged state needs no write; constants and other states have no maker here.
        if was is after or writer is None:
            continue
        users = readers.get(was, [])
        others = [op for op in users if op is not writer]
        if writer in users and not _reads_where_it_writes(writer, was, roots, fused):
            continue
        # A reduction accumulates in its result, while others in its kernel still read the old.
        if others and writer.name in REDUCTIONS:
            continue
        # A sum has the place of its operand, beside others.
        if writer.name in MESSAGES and writer.name != ALL_GATHER:
            continue
        # An operation that needs the new value cannot run before it is made.
        made = together.get(writer, (writer,))
        if any(precedence.leads(each, op) for each in made for op in others):
            continue
        for each in made:
            precedence.add(others, each)
        chosen.add(i)
    return chosen


def _reads_where_it_writes(
    op: Operation, was: Value, roots: Mapping[Value, Value], fused: set[Operation]
) -> bool:
    """Whether an operation reads each element only before it overwrites that element."""
    if op.name == ACCUMULATE:
        return op.operands[0] is was and was not in {roots.get(v, v) for v in op.values[1:]}
    # Through a view, such as a transpose, an element is read for another place.
    if any(v in roots and roots[v] is was for v in op.values):
        return False
    # NumPy's call fills the result with one choice before it reads the other; no kernel does.
    if op.name == "where" and op not in fused:
        return False
    # A broadcast operand is read again for other places.
    return op.name in ELEMENTWISE and was.shape == op.result.shape


def ordered(
    work: Sequence[Operation], before: Order, outputs: Iterable[Value]
) -> list[Operation]:
    """Return an order that finishes one output after another, so that few results are alive."""
    maker = {op.result: op for op in work}
    order: dict[Operation, None] = {}
    for output in outputs:
        waiting = [(op, iter(before[op])) for op in [maker.get(output)] if op]
        while waiting:
            op, others = waiting[-1]
            missing = next((each for each in others if each not in order), None)
            if missing is None:
                order.setdefault(op)
                waiting.pop()
            else:
                waiting.append((missing, iter(before[missing])))
    return list(order)


def staged(
    order: Sequence[Operation], before: Order, fused: set[Operation]
) -> dict[Operation, int]:
    """Assign operations to stages: each is a kernel, then the operations outside kernels."""
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
    """Move fused operations to the stage where they are used, unless their operands are larger.

    All new parameters then come last, together. Single numbers stay in the early stages, so
    that the remaining operations are independent of one another.
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
