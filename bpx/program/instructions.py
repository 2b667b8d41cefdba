"""The instructions of an engine, operations and kernels, and the places of their results."""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bpx.program.fusion import ELEMENTWISE, REDUCTIONS, Divide, Kernel, fuse
from bpx.program.memory import assign, lifetimes
from bpx.program.operation import ALL_REDUCE, MESSAGES, Operation, Value
from bpx.program.precedence import Order
from bpx.program.program import Program

__all__ = [
    "Exchange",
    "Instruction",
    "buckets",
    "described",
    "grouped",
    "moved_by",
    "placed",
    "read_by",
    "written_by",
]


@dataclass(frozen=True, eq=False)
class Exchange:
    """Arrays that the ranks sum, or send each other, in one go.

    Attributes
    ----------
    operations : tuple of Operation
        One for each array. The results of `ALL_REDUCE` lie side by side.
    """

    operations: tuple[Operation, ...]

    @property
    def group(self) -> Any:
        """The ranks: see `bpx.arrays.ranks`."""
        return self.operations[0].attribute("group")

    @property
    def sums(self) -> tuple[Operation, ...]:
        """Those whose sum every rank gets."""
        return tuple([op for op in self.operations if op.name == ALL_REDUCE])

    @property
    def reads(self) -> tuple[Value, ...]:
        """The arrays of this rank; those that are summed may have the places of the sums."""
        return tuple([v for op in self.operations for v in op.values])

    @property
    def writes(self) -> tuple[Value, ...]:
        """The sums, or what the others have sent."""
        return tuple([op.result for op in self.operations])


Instruction = Operation | Kernel | Exchange
"""One unit of an engine's work."""


def buckets(work: Iterable[Operation]) -> dict[Any, tuple[Operation, ...]]:
    """Return the messages of ranks that are sent in one go, by what they have in common."""
    found: dict[Any, list[Operation]] = {}
    for op in work:
        if op.name in MESSAGES:
            found.setdefault(_bucket(op), []).append(op)
    return {bucket: tuple(ops) for bucket, ops in found.items()}


def _bucket(op: Operation) -> Any:
    return op.attribute("group"), op.attribute("bucket"), op.result.dtype


def grouped(
    program: Program,
    order: Sequence[Operation],
    stages: Mapping[Operation, int],
    fused: set[Operation],
    before: Order,
    roots: Mapping[Value, Value],
    divide: Divide,
) -> tuple[Instruction, ...]:
    """Return, for each stage, its kernel and then the operations that no kernel holds."""
    groups: dict[int, tuple[list[Operation], list[Operation]]] = {}
    readers: dict[Value, list[Operation]] = {op.result: [] for op in order}
    for op in order:
        groups.setdefault(stages[op], ([], []))[op not in fused].append(op)
        for v in op.values:
            readers.setdefault(roots.get(v, v), []).append(op)
    outputs, together = set(program.outputs), buckets(order)
    instructions: list[Instruction] = []
    for _, (group, others) in sorted(groups.items()):
        inside = set(group)
        needed = [
            op.result
            for op in group
            if op.result in outputs or not inside.issuperset(readers[op.result])
        ]
        instructions.extend([fuse(group, before, needed, roots, divide)] if group else [])
        for op in others:
            if op.name not in MESSAGES:
                instructions.append(op)
            elif ops := together.pop(_bucket(op), ()):
                instructions.append(Exchange(ops))
    return tuple(instructions)


def read_by(instruction: Instruction) -> tuple[Value, ...]:
    """The arrays that an instruction reads."""
    if isinstance(instruction, Operation):
        return tuple(dict.fromkeys(instruction.values))
    return instruction.reads


def written_by(instruction: Instruction) -> tuple[Value, ...]:
    """The arrays that an instruction fills."""
    return (instruction.result,) if isinstance(instruction, Operation) else instruction.writes


def moved_by(instruction: Instruction) -> int:
    """The bytes that an instruction reads; where it gathers rows, only those count."""
    read = read_by(instruction)
    if isinstance(instruction, Operation) and instruction.name == "take":
        rows = instruction.result.size * read[0].dtype.itemsize
        return rows + sum(v.nbytes for v in read[1:])
    return sum(v.nbytes for v in read)


def placed(
    instructions: Sequence[Instruction],
    states: Container[Value],
    roots: Mapping[Value, Value],
    program: Program,
) -> tuple[dict[Value, int], int]:
    """Place all results outside `states` in scratch memory; return its size in bytes, too."""
    made = [[v for v in written_by(each) if v not in states] for each in instructions]
    read = [{roots.get(v, v) for v in read_by(each)} for each in instructions]
    # A result that is copied into the state at the end lives until then.
    read.append({v for v in program.outputs if v not in states})
    lives = lifetimes([*made, []], read)
    viewed = set(roots.values())
    read_last = {
        i: _readers(each) for i, each in enumerate(instructions) if isinstance(each, Kernel)
    }

    def inherits(i: int, value: Value) -> Iterable[Value]:
        instruction = instructions[i]
        if isinstance(instruction, Kernel):
            return read_last[i](value)
        if isinstance(instruction, Exchange):
            return []
        # NumPy's `where` fills the result with one choice before it reads the other.
        if instruction.name not in ELEMENTWISE or instruction.name == "where":
            return []
        # A broadcast operand is read again for other places.
        return [v for v in instruction.values if v.shape == value.shape]

    def unseen(i: int, value: Value) -> Iterable[Value]:
        # The same instruction may read it at other places through a view; and an argument of a
        # kernel has only one dtype.
        return [v for v in inherits(i, value) if v not in viewed and v.dtype == value.dtype]

    beside = {
        i: [(op.values[0], op.result) for op in each.sums if op.result not in states]
        for i, each in enumerate(instructions)
        if isinstance(each, Exchange)
    }
    return assign([*made, []], lives, unseen, beside)


def _readers(kernel: Kernel) -> Callable[[Value], list[Value]]:
    """Return which arrays a kernel reads no more, element by element, once it writes one."""
    # Numbers of rows are made before the loop over their elements.
    phases = [
        sorted(phase, key=lambda op, nest=nest: not nest.is_row(op))  # type: ignore[misc]
        for nest in kernel.nests
        for phase in nest.phases
    ]
    made: dict[Value, tuple[int, int, Operation]] = {}
    last: dict[Value, tuple[int, int]] = {}
    often: set[Value] = set()  # read in several phases
    for i, phase in enumerate(phases):
        for j, op in enumerate(phase):
            made[op.result] = i, j, op
            often.update([v for v in op.values if last.get(v, (i, j))[0] != i])
            last.update(dict.fromkeys(op.values, (i, j)))
    alike: dict[Any, list[Value]] = {}
    for v in kernel.reads:
        if v not in often:
            alike.setdefault((last[v][0], v.shape), []).append(v)

    def read_last(value: Value) -> list[Value]:
        i, j, op = made.get(value, (-1, -1, None))
        # A reduction accumulates in its result, and starts before the phase reads anything.
        if op is None or op.name in REDUCTIONS:
            return []
        return [v for v in alike.get((i, value.shape), ()) if last[v][1] <= j]

    return read_last


def described(instruction: Instruction) -> str:
    """Describe an instruction for a reader."""
    if isinstance(instruction, Exchange):
        names = dict.fromkeys(op.name for op in instruction.operations)
        numbers = sum(op.values[0].size for op in instruction.operations)
        count = len(instruction.operations)
        return f"{', '.join(names)} of {count} arrays, {numbers} numbers"
    if not isinstance(instruction, Kernel):
        return f"{instruction.name} -> {instruction.result.dtype} {instruction.result.shape}"
    lines = [
        f"kernel of {len(instruction.operations)} operations, {len(instruction.nests)} nests"
    ]
    for nest in instruction.nests:
        phases = "; ".join(" ".join(op.name for op in phase) for phase in nest.phases)
        lines.append(f"  {' x '.join(map(str, nest.sizes))}: {phases}")
    return "\n".join(lines)
