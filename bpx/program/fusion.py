"""Kernels: runs of elementwise operations and reductions, fused into loops.

A kernel is a sequence of nests. A nest is a loop over the rows of a (n, k) domain. Each row has
one or more phases, which are loops over its k elements; a later phase may use the reductions of
an earlier one (softmax: the maximum, then the sum, then the quotient). Results that only one
phase needs stay in registers; the others are written to buffers. For arrays with a leading
axis, the nest is repeated for each index along it.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, TypeAlias

from bpx.program.operation import Operation, Value

__all__ = ["ELEMENTWISE", "REDUCTIONS", "Divide", "Kernel", "Nest", "can_fuse", "fuse", "whole"]

ELEMENTWISE = frozenset(
    (
        "abs", "add", "astype", "bitwise_and", "bitwise_left_shift", "bitwise_or",
        "bitwise_right_shift", "bitwise_xor", "copy", "divide", "equal", "exp", "expm1",
        "floor", "greater",
        "greater_equal", "isfinite", "isnan", "less", "less_equal", "log", "log1p",
        "logical_and", "logical_not", "logical_or", "maximum", "minimum", "multiply",
        "negative", "not_equal", "positive", "pow", "sign", "sqrt", "square", "subtract",
        "tanh", "where",
    )
)  # fmt: skip
REDUCTIONS = frozenset(("sum", "max", "min", "mean", "argmax"))


@dataclass(eq=False)
class Nest:
    """A loop over the rows of a domain, with a loop over k for each phase of a row.

    Attributes
    ----------
    domain : (int, int)
        n and k. A vector is a row: (1, k).
    phases : list of list of Operation
        In order. Operations of shape (n, 1) run once per row, before the phase's loop over k.
    stack : int
        K for arrays of shape (K, n, k), for which the nest runs K times; 1 for matrices.
    """

    domain: tuple[int, int]
    phases: list[list[Operation]] = field(default_factory=list)
    stack: int = 1

    @property
    def operations(self) -> list[Operation]:
        """The operations of all phases."""
        return [each for phase in self.phases for each in phase]

    def is_row(self, operation: Operation) -> bool:
        """Whether an operation runs once for each row instead of for each element."""
        wide = self.domain[1] > 1
        return operation.name not in REDUCTIONS and wide and self.is_column(operation.result)

    def is_column(self, v: Value) -> bool:
        """Whether an array has one element for each row of the domain."""
        return len(v.shape) > 1 and _three(v.shape) == (self.stack, self.domain[0], 1)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes n and k, or K, n and k for a stack."""
        return self.domain if self.stack == 1 else (self.stack, *self.domain)


@dataclass(frozen=True, eq=False)
class Kernel:
    """Nests that run one after another in one call.

    Attributes
    ----------
    nests : tuple of Nest
    reads, writes : tuple of Value
        The arrays that it reads, and the buffers that it fills.
    """

    nests: tuple[Nest, ...]
    reads: tuple[Value, ...]
    writes: tuple[Value, ...]

    @property
    def operations(self) -> tuple[Operation, ...]:
        """The operations of all nests, in order."""
        return tuple(each for nest in self.nests for each in nest.operations)


Divide: TypeAlias = Callable[[Nest, Mapping[Operation, Sequence[Operation]]], Iterable[Nest]]
"""What an engine makes of a nest: ``divide(nest, before)``, nests that run one after another.

Each phase's operations must keep an order in which they can run; see `fuse` for `before`.
"""


def whole(nest: Nest, _before: Mapping[Operation, Sequence[Operation]]) -> tuple[Nest]:
    """Leave a nest as it is."""
    return (nest,)


def can_fuse(operation: Operation) -> bool:
    """Whether a kernel can hold the operation, on vectors, matrices, and stacks of these.

    A reduction must be over one of the last two axes; argmax, over the last one.
    """
    if any(len(v.shape) > 3 for v in (*operation.values, operation.result)):
        return False
    if operation.name in REDUCTIONS:
        axis, rank = operation.attribute("axis"), len(operation.values[0].shape)
        columns = is_column_reduction(operation) and operation.name != "argmax"
        return rank > 1 and (axis in (rank - 1, -1) or columns)
    return operation.name in ELEMENTWISE


def is_column_reduction(operation: Operation) -> bool:
    """Whether an operation sums, or otherwise reduces, over the rows."""
    return (
        operation.name in REDUCTIONS
        and operation.attribute("axis") == len(operation.values[0].shape) - 2
    )


def fuse(
    operations: Iterable[Operation],
    before: Mapping[Operation, Sequence[Operation]],
    needed: Iterable[Value],
    roots: Mapping[Value, Value],
    divide: Divide = whole,
) -> Kernel:
    """Fuse operations into one kernel.

    Parameters
    ----------
    operations : iterable of Operation
        In an order in which they can run.
    before : mapping
        The operations that must precede each one: the makers of its operands, and the readers
        of an array that it overwrites.
    needed : iterable of Value
        The results that are used outside the kernel.
    roots : mapping
        The array that each view refers to.
    divide : callable, optional
        See `Divide`.
    """
    given = _numbers_first(operations, before)
    builder = _Builder(before, roots, _families(given, roots))
    for operation in given:
        builder.place(operation)
    nests = tuple(each for nest in builder.nests for each in divide(nest, before))
    kept = _kept(nests, set(needed), roots)
    made = {op.result for nest in nests for op in nest.operations}
    reads = [v for nest in nests for op in nest.operations for v in op.values if v not in made]
    writes = [op.result for nest in nests for op in nest.operations if op.result in kept]
    return Kernel(nests, tuple(dict.fromkeys(reads)), tuple(writes))


class _Builder:
    """Places operations one by one, each as early as its predecessors allow."""

    def __init__(
        self,
        before: Mapping[Operation, Sequence[Operation]],
        roots: Mapping[Value, Value],
        families: Mapping[Operation, Operation],
    ) -> None:
        self.before, self.roots, self.families = before, roots, families
        self.nests: list[Nest] = []
        self.alike: dict[Any, list[int]] = {}  # by loop and family
        self.at: dict[Operation, tuple[int, int]] = {}

    def place(self, operation: Operation) -> None:
        loop = _loop(operation)
        waits = [each for each in self.before[operation] if each in self.at]
        first = max([self._after(operation, each) for each in waits], default=0)
        homes = {self.at[each][0] for each in waits}
        alike = self.alike.setdefault((loop, self.families[operation]), [])
        found = alike[bisect_left(alike, first) :][:1]
        found += [i for i in homes if i >= first and self._is_column(operation, loop, i)]
        index = min(found, default=len(self.nests))
        if index == len(self.nests):
            alike.append(index)
            stack, *domain = loop
            self.nests.append(Nest((domain[0], domain[1]), stack=stack))
        nest = self.nests[index]
        here = [each for each in waits if self.at[each][0] == index]
        # The result of a reduction is available one phase later.
        phase = max([self.at[each][1] + (each.name in REDUCTIONS) for each in here], default=0)
        nest.phases.extend([] for _ in range(phase + 1 - len(nest.phases)))
        nest.phases[phase].append(operation)
        self.at[operation] = index, phase

    def _after(self, operation: Operation, earlier: Operation) -> int:
        """The first nest in which an operation may follow `earlier`."""
        index = self.at[earlier][0]
        if any(v in self.roots and self.roots[v] is earlier.result for v in operation.values):
            return index + 1  # a view may read any element, so all must exist
        if earlier.result not in operation.values:  # it reads an array that is overwritten here
            same = earlier.result.shape == operation.result.shape
            return index if same and earlier.name not in REDUCTIONS else index + 1
        whole = earlier.name in REDUCTIONS and not earlier.attribute("keepdims")
        return index + 1 if whole or is_column_reduction(earlier) else index

    def _is_column(self, operation: Operation, loop: tuple[int, int, int], index: int) -> bool:
        """Whether it is computed once for each row of a nest of another loop."""
        nest = self.nests[index]
        column = nest.is_column(operation.result) and operation.name not in REDUCTIONS
        other = (nest.stack, *nest.domain) != loop
        return column and other and all(_three(v.shape)[2] == 1 for v in operation.values)


def _numbers_first(
    operations: Iterable[Operation], before: Mapping[Operation, Sequence[Operation]]
) -> list[Operation]:
    """Put numbers made of numbers first: a nest ends where what follows waits for one."""
    given = list(operations)
    inside, numbers = set(given), dict[Operation, None]()
    for op in given:
        ready = all(each in numbers for each in before[op] if each in inside)
        if ready and all(v.size == 1 for v in (op.result, *op.values)):
            numbers[op] = None
    return [*numbers, *(op for op in given if op not in numbers)]


def _families(
    operations: Sequence[Operation], roots: Mapping[Value, Value]
) -> dict[Operation, Operation]:
    """Map each operation to one of those that it shares arrays with, directly or not.

    Only operations of one loop belong together, and those whose loops share an array of all its
    elements. With the arrays of several families in one loop, such as the updates of two
    layers, a compiler cannot tell any more which of them overlap, and no longer uses vectors.
    """
    parents: dict[Operation, Operation] = {}
    users: dict[tuple[Any, ...], Operation] = {}

    def family(op: Operation) -> Operation:
        while (parent := parents[op]) is not op:
            parents[op] = op = parents[parent]
        return op

    for op in operations:
        parents[op] = op
        loop = _loop(op)
        size = prod(loop)
        values = [v for v in (op.result, *op.values) if v.size == size] if size > 1 else [None]
        for v in values:
            other = users.setdefault((loop, roots.get(v, v) if v else None), op)
            if other is not op:
                parents[family(op)] = family(other)
    return {op: family(op) for op in operations}


def _loop(operation: Operation) -> tuple[int, int, int]:
    """The sizes K, n and k of the loop; a vector is a row."""
    reduces = operation.name in REDUCTIONS
    return _three(operation.values[0].shape if reduces else operation.result.shape)


def _three(shape: tuple[int, ...]) -> tuple[int, int, int]:
    stack, n, k = (1,) * (3 - len(shape)) + shape
    return stack, n, k


def _kept(
    nests: Sequence[Nest], needed: set[Value], roots: Mapping[Value, Value]
) -> set[Value]:
    """The results that must be in memory."""
    at = {
        op.result: (i, j, op, nest)
        for i, nest in enumerate(nests)
        for j, phase in enumerate(nest.phases)
        for op in phase
    }
    kept = {v for v in at if v in needed}
    for value, (_, _, op, _) in at.items():
        if is_column_reduction(op) or (op.name in REDUCTIONS and not op.attribute("keepdims")):
            kept.add(value)
    for i, nest in enumerate(nests):
        for j, phase in enumerate(nest.phases):
            for value in (v for op in phase for v in op.values):
                root = roots.get(value, value)
                if root not in at:
                    continue
                where, when, maker, home = at[root]
                once = maker.name in REDUCTIONS or home.is_row(maker)
                if root is not value or where != i or (when != j and not once):
                    kept.add(root)
    return kept
