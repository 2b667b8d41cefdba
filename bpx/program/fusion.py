"""Kernels: runs of elementwise operations and reductions, fused into loops.

A kernel is a sequence of nests. A nest is a loop over the rows of a (n, k) domain, with one
or more phases in each row: loops over its k elements, of which a later one may use what an
earlier one has reduced (softmax: the largest, then the sum, then the quotient). What only
one phase needs stays in registers; the rest is written to buffers. For arrays with a leading
axis, the nest is repeated for each index along it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bpx.program.operation import Operation, Value

__all__ = ["ELEMENTWISE", "REDUCTIONS", "Kernel", "Nest", "can_fuse", "fuse"]

ELEMENTWISE = frozenset(
    (
        "abs", "add", "astype", "copy", "divide", "equal", "exp", "expm1", "floor", "greater",
        "greater_equal", "isfinite", "isnan", "less", "less_equal", "log", "log1p",
        "logical_and", "logical_not", "logical_or", "maximum", "minimum", "multiply",
        "negative", "not_equal", "positive", "pow", "sign", "sqrt", "square", "subtract",
        "tanh", "where",
    )
)  # fmt: skip
REDUCTIONS = frozenset(("sum", "max", "min", "mean", "argmax"))


@dataclass(eq=False)
class Nest:
    """A loop over the rows of a domain; in each row, phase by phase, a loop over k.

    Attributes
    ----------
    domain : (int, int)
        n and k. A vector is a row: (1, k).
    phases : list of list of Operation
        In order. Operations of shape (n, 1) come once a row, before the phase's loop over k.
    stack : int
        K for arrays of shape (K, n, k): the nest is run K times. 1 for matrices.
    """

    domain: tuple[int, int]
    phases: list[list[Operation]] = field(default_factory=list)
    stack: int = 1

    @property
    def operations(self) -> list[Operation]:
        """Those of all phases."""
        return [each for phase in self.phases for each in phase]

    def is_row(self, operation: Operation) -> bool:
        """Whether an operation is done once for each row, and not for each element."""
        wide = self.domain[1] > 1
        return operation.name not in REDUCTIONS and wide and self.is_column(operation.result)

    def is_column(self, v: Value) -> bool:
        """Whether an array has one element for each row of the domain."""
        return len(v.shape) > 1 and _three(v.shape) == (self.stack, self.domain[0], 1)

    @property
    def sizes(self) -> tuple[int, ...]:
        """n and k; K before them, of a stack."""
        return self.domain if self.stack == 1 else (self.stack, *self.domain)


@dataclass(frozen=True, eq=False)
class Kernel:
    """Nests that run one after another, as one call.

    Attributes
    ----------
    nests : tuple of Nest
    reads, writes : tuple of Value
        The arrays that it takes, and the buffers that it fills.
    """

    nests: tuple[Nest, ...]
    reads: tuple[Value, ...]
    writes: tuple[Value, ...]

    @property
    def operations(self) -> tuple[Operation, ...]:
        """Those of all nests, in order."""
        return tuple(each for nest in self.nests for each in nest.operations)


def can_fuse(operation: Operation) -> bool:
    """Whether a kernel can hold the operation: of vectors, matrices, and stacks of these.

    Of reductions, those over the rows and over the columns.
    """
    if any(len(v.shape) > 3 for v in (*operation.values, operation.result)):
        return False
    if operation.name in REDUCTIONS:
        axis, rank = operation.attribute("axis"), len(operation.values[0].shape)
        columns = is_column_reduction(operation) and operation.name != "argmax"
        return rank > 1 and (axis in (rank - 1, -1) or columns)
    return operation.name in ELEMENTWISE


def is_column_reduction(operation: Operation) -> bool:
    """Whether it sums, or otherwise reduces, over the rows."""
    return (
        operation.name in REDUCTIONS
        and operation.attribute("axis") == len(operation.values[0].shape) - 2
    )


def fuse(
    operations: Iterable[Operation],
    before: Mapping[Operation, Sequence[Operation]],
    needed: Iterable[Value],
    roots: Mapping[Value, Value],
) -> Kernel:
    """One kernel of some operations.

    Parameters
    ----------
    operations : iterable of Operation
        In an order in which they can be run.
    before : mapping
        What must have been done before each: its operands' makers, and whoever reads an array
        that it overwrites.
    needed : iterable of Value
        The results that are used outside.
    roots : mapping
        The array that a view looks at.
    """
    builder = _Builder(before, roots)
    for operation in operations:
        builder.place(operation)
    nests = tuple(builder.nests)
    kept = _kept(nests, set(needed), roots)
    made = {op.result for nest in nests for op in nest.operations}
    reads = [v for nest in nests for op in nest.operations for v in op.values if v not in made]
    writes = [op.result for nest in nests for op in nest.operations if op.result in kept]
    return Kernel(nests, tuple(dict.fromkeys(reads)), tuple(writes))


class _Builder:
    """Places operations one by one, each as early as what it waits for allows."""

    def __init__(
        self, before: Mapping[Operation, Sequence[Operation]], roots: Mapping[Value, Value]
    ) -> None:
        self.before, self.roots = before, roots
        self.nests: list[Nest] = []
        self.at: dict[Operation, tuple[int, int]] = {}

    def place(self, operation: Operation) -> None:
        loop = _loop(operation)
        waits = [each for each in self.before[operation] if each in self.at]
        first = max((self._after(operation, each) for each in waits), default=0)
        index = next(
            (i for i in range(first, len(self.nests)) if self._fits(operation, loop, i)), None
        )
        if index is None:
            index = len(self.nests)
            stack, *domain = loop
            self.nests.append(Nest((domain[0], domain[1]), stack=stack))
        nest = self.nests[index]
        here = [each for each in waits if self.at[each][0] == index]
        # What a reduction gives is there a phase later.
        phase = max((self.at[each][1] + (each.name in REDUCTIONS) for each in here), default=0)
        nest.phases.extend([] for _ in range(phase + 1 - len(nest.phases)))
        nest.phases[phase].append(operation)
        self.at[operation] = index, phase

    def _after(self, operation: Operation, earlier: Operation) -> int:
        """The first nest that an operation may be in after `earlier`."""
        index = self.at[earlier][0]
        if any(v in self.roots and self.roots[v] is earlier.result for v in operation.values):
            return index + 1  # seen through a view: as a whole
        if earlier.result not in operation.values:  # it reads what is overwritten here
            same = earlier.result.shape == operation.result.shape
            return index if same and earlier.name not in REDUCTIONS else index + 1
        whole = earlier.name in REDUCTIONS and not earlier.attribute("keepdims")
        return index + 1 if whole or is_column_reduction(earlier) else index

    def _fits(self, operation: Operation, loop: tuple[int, int, int], index: int) -> bool:
        nest = self.nests[index]
        if (nest.stack, *nest.domain) == loop:
            return True
        column = nest.is_column(operation.result) and operation.name not in REDUCTIONS
        here = any(self.at.get(each, (-1, 0))[0] == index for each in self.before[operation])
        fits = all(_three(v.shape)[2] == 1 for v in operation.values)
        return column and here and fits


def _loop(operation: Operation) -> tuple[int, int, int]:
    """K, n and k of the loop; a vector is a row."""
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
