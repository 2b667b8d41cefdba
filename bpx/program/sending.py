"""Rows that are sent to all ranks are made where they are sent from: in the whole array."""

from collections.abc import Iterable, Mapping, Sequence

from bpx.program.fusion import ELEMENTWISE
from bpx.program.operation import ALL_GATHER, Operation, Value, rows_of
from bpx.program.precedence import Precedence
from bpx.program.program import Program
from bpx.program.simplify import rows_viewed

__all__ = ["made_inside"]


def made_inside(
    program: Program,
    work: Sequence[Operation],
    views: Mapping[Value, Operation],
    precedence: Precedence,
    in_place: Iterable[int],
) -> dict[Value, Operation]:
    """Return, for the rows that are sent, the view of the state that they are made in.

    The rows may be made there only if nothing reads those of before afterwards: the function
    adds what reads them to what precedes.

    Parameters
    ----------
    program, work, views
    precedence : Precedence
    in_place : iterable of int
        The states that are written in place: see `bpx.program.order.written_over`.
    """
    states = {program.outputs[i]: program.state[i] for i in in_place}
    sent = [op for op in work if op.name == ALL_GATHER and op.result in states]
    if not sent:
        return {}
    maker, readers = {op.result: op for op in work}, _readers(work, views)
    found: dict[Value, Operation] = {}
    for op in sent:
        part, was = op.values[0], states[op.result]
        rows = _rows(op)
        by = maker.get(part)
        if by is None or part in program.outputs or readers[part] != [op]:
            continue
        others = [each for each in readers.get(was, ()) if each is not by]
        if not _reads_only(by, was, rows, views) or any(
            precedence.leads(by, each) for each in others
        ):
            continue
        precedence.add(others, by)
        key = (("key", (slice(*rows),)),)
        found[part] = Operation("getitem", (op.result,), part, key)
    return found


def _rows(op: Operation) -> tuple[int, int]:
    group = op.attribute("group")
    return rows_of(group.rank, group.size, op.result.shape[0])


def _readers(
    work: Sequence[Operation], views: Mapping[Value, Operation]
) -> dict[Value, list[Operation]]:
    """Map arrays to the operations that read them, through views or not."""
    readers: dict[Value, list[Operation]] = {}
    for op in work:
        for v in dict.fromkeys(_root(v, views) for v in op.values):
            readers.setdefault(v, []).append(op)
    return readers


def _root(v: Value, views: Mapping[Value, Operation]) -> Value:
    while v in views:
        v = views[v].values[0]
    return v


def _reads_only(
    op: Operation, was: Value, rows: tuple[int, int], views: Mapping[Value, Operation]
) -> bool:
    """Whether an operation reads only these rows of an array, each number for its own place."""
    if op.name not in ELEMENTWISE or op.name == "where":
        return False
    read = (views.get(v) for v in op.values if _root(v, views) is was)
    return all(
        view is not None and view.values[0] is was and rows_viewed(view) == rows
        for view in read
    )
