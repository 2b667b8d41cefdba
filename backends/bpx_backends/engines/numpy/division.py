"""Divide nests, so that a compiler turns exp and its kin into vectors.

One by one, such functions take ten times as long as in vectors. A compiler uses none in a loop
that sums a row in order, or finds its largest element; and of short rows it takes most or all
elements one by one, since they do not fill a vector. So in such nests the functions get a nest
of their own, flat over all rows, whose operands are in memory.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from math import prod
from typing import TypeAlias

from bpx.program.fusion import ELEMENTWISE, REDUCTIONS, Nest, is_column_reduction
from bpx.program.operation import Operation
from bpx_backends.engines.numpy.functions import FUNCTIONS

__all__ = ["divided", "is_flat"]

VECTOR, MANY = 16, 64
"""Rows of whole vectors, or of many elements, are fast: the few elements left over matter less.

With rows of 10, 20, 30, 50 and 60 elements, functions took 3.5, 1.2, 2.2, 1.4 and 1.4 times as
long as flat; of 16, 32, 64 and more than that, 0.95 to 1.09 times (measured with AVX-512).
"""
LARGE = 1 << 20
"""Nests of more elements stay whole: memory limits them, and threads may share their rows.

They cannot share those of a nest that needs what another makes.
"""

_Before: TypeAlias = Mapping[Operation, Sequence[Operation]]


def divided(nest: Nest, before: _Before) -> Iterator[Nest]:
    """Yield the nests that take the place of a nest, in the order in which they run.

    Parameters
    ----------
    nest : Nest
    before : mapping
        The operations that must precede each one.
    """
    current = Nest(nest.domain, stack=nest.stack)
    for phase in nest.phases:
        for flat, operations in _pieces(nest, phase, before):
            if not flat:
                current.phases.append(operations)
                continue
            if current.phases:
                yield current
            yield Nest(nest.domain, [operations], nest.stack)
            current = Nest(nest.domain, stack=nest.stack)
    if current.phases:
        yield current


def _pieces(
    nest: Nest, phase: list[Operation], before: _Before
) -> Iterator[tuple[bool, list[Operation]]]:
    """Divide a phase into loops, and say which are flat."""
    if not _gains(nest, phase):
        yield False, phase
        return
    stages = _stages(nest, phase, before)
    for stage, group in groupby(sorted(phase, key=stages.__getitem__), stages.__getitem__):
        yield stage % 2 == 1, [*group]


def _gains(nest: Nest, phase: Sequence[Operation]) -> bool:
    size, k = prod(nest.sizes), nest.domain[1]
    if size > LARGE or not any(_is_function(op, size) for op in phase):
        return False
    if all(is_flat(op, size) for op in phase):
        return len(nest.phases) > 1 and _is_short(k)
    return _is_short(k) or any(map(_keeps_order, phase))


def _is_short(k: int) -> bool:
    return k < MANY and k % VECTOR > 0


def _keeps_order(op: Operation) -> bool:
    """Whether an operation reduces each row in order, as all do but means."""
    return op.name in REDUCTIONS and op.name != "mean" and not is_column_reduction(op)


def _is_function(op: Operation, size: int) -> bool:
    return op.name in FUNCTIONS and op.result.size == size > 1


def is_flat(op: Operation, size: int) -> bool:
    """Whether a flat loop can hold an operation: no operand is broadcast, but for numbers."""
    values = (op.result, *op.values)
    return (
        op.name in ELEMENTWISE
        and op.result.size == size
        and all(v.size in (1, size) for v in values)
    )


def _stages(nest: Nest, phase: Sequence[Operation], before: _Before) -> dict[Operation, int]:
    """Assign the operations to loops: those with odd numbers are flat, and have the functions.

    Other operations are in such a loop only if one there needs them.
    """
    size, inside = prod(nest.sizes), set(phase)
    stages: dict[Operation, int] = {}
    users: dict[Operation, list[Operation]] = {op: [] for op in phase}
    for op in phase:
        earlier = [each for each in before[op] if each in inside]
        for each in earlier:
            users[each].append(op)
        stage = max((stages[each] for each in earlier), default=0)
        if stage % 2 == 1:
            stages[op] = stage if is_flat(op, size) else stage + 1
        else:
            stages[op] = stage + 1 if _is_function(op, size) else stage
    for op in reversed(phase):
        if is_flat(op, size) and not _is_function(op, size):
            stage, following = stages[op], {stages[each] for each in users[op]}
            needed = stage in following
            if stage % 2 == 1 and not needed:  # no function of that flat loop needs it
                stages[op] += 1
            if stage % 2 == 0 and following == {stage + 1}:  # only the next flat loop does
                stages[op] += 1
    return stages
