"""What an engine runs, one after another: operations and kernels; where their results live."""

from collections.abc import Iterable, Mapping, Sequence

from bpx.program.fusion import ELEMENTWISE, REDUCTIONS, Kernel, fuse
from bpx.program.memory import assign, lifetimes
from bpx.program.operation import Operation, Value
from bpx.program.order import Order
from bpx.program.program import Program

__all__ = ["Instruction", "described", "grouped", "moved_by", "placed", "read_by", "written_by"]

Instruction = Operation | Kernel
"""What an engine runs at once."""


def grouped(
    program: Program,
    order: Sequence[Operation],
    stages: Mapping[Operation, int],
    fused: set[Operation],
    before: Order,
    roots: Mapping[Value, Value],
) -> tuple[Instruction, ...]:
    """Of each stage the kernel, and what no kernel holds, operation by operation."""
    instructions: list[Instruction] = []
    for stage in sorted(set(stages.values())):
        here = [op for op in order if stages[op] == stage]
        group = [op for op in here if op in fused]
        if group:
            inside = set(group)
            needed = {
                roots.get(v, v) for op in order if op not in inside for v in op.values
            } | set(program.outputs)
            instructions.append(fuse(group, before, needed, roots))
        instructions.extend(op for op in here if op not in fused)
    return tuple(instructions)


def read_by(instruction: Instruction) -> tuple[Value, ...]:
    """The arrays that an instruction reads."""
    if isinstance(instruction, Kernel):
        return instruction.reads
    return tuple(dict.fromkeys(instruction.values))


def written_by(instruction: Instruction) -> tuple[Value, ...]:
    """The arrays that an instruction fills."""
    return instruction.writes if isinstance(instruction, Kernel) else (instruction.result,)


def moved_by(instruction: Instruction) -> int:
    """The bytes that it reads: of what it gathers from, the rows that it gathers."""
    read = read_by(instruction)
    if isinstance(instruction, Operation) and instruction.name == "take":
        rows = instruction.result.size * read[0].dtype.itemsize
        return rows + sum(v.nbytes for v in read[1:])
    return sum(v.nbytes for v in read)


def placed(
    instructions: Sequence[Instruction],
    states: Mapping[Value, int],
    roots: Mapping[Value, Value],
    program: Program,
) -> tuple[dict[Value, int], int]:
    """The places in the scratch memory of what is not written into the state, and its bytes."""
    made = [[v for v in written_by(each) if v not in states] for each in instructions]
    read = [{roots.get(v, v) for v in read_by(each)} for each in instructions]
    # A result that is copied into the state at the end lives as long.
    read.append({v for v in program.outputs if v not in states})
    lives = lifetimes([*made, []], read)
    viewed = set(roots.values())

    def inherits(i: int, value: Value) -> Iterable[Value]:
        instruction = instructions[i]
        if isinstance(instruction, Kernel):
            return _read_with(instruction, value)
        # NumPy's `where` fills the result with one choice before it reads the other.
        if instruction.name not in ELEMENTWISE or instruction.name == "where":
            return []
        # A number that is broadcast is read again for other places.
        return [v for v in instruction.values if v.shape == value.shape]

    def unseen(i: int, value: Value) -> Iterable[Value]:
        # Through a view the same instruction may read it at other places; and an argument of a
        # kernel has one dtype.
        return [v for v in inherits(i, value) if v not in viewed and v.dtype == value.dtype]

    return assign([*made, []], lives, unseen)


def _read_with(kernel: Kernel, value: Value) -> list[Value]:
    """The arrays of which each element is read last where that of `value` is written."""
    for nest in kernel.nests:
        for phase in nest.phases:
            at = next((i for i, op in enumerate(phase) if op.result is value), None)
            if at is None:
                continue
            # It adds up in its result, from before the phase has read anything.
            if phase[at].name in REDUCTIONS:
                return []
            until = {v for op in phase[: at + 1] for v in op.values}
            elsewhere = {
                v for op in kernel.operations if op not in phase[: at + 1] for v in op.values
            }
            return [
                v for v in kernel.reads if v in until - elsewhere and v.shape == value.shape
            ]
    return []


def described(instruction: Instruction) -> str:
    """What it does, for a reader."""
    if not isinstance(instruction, Kernel):
        return f"{instruction.name} -> {instruction.result.dtype} {instruction.result.shape}"
    lines = [
        f"kernel of {len(instruction.operations)} operations, {len(instruction.nests)} nests"
    ]
    for nest in instruction.nests:
        phases = "; ".join(" ".join(op.name for op in phase) for phase in nest.phases)
        lines.append(f"  {' x '.join(map(str, nest.sizes))}: {phases}")
    return "\n".join(lines)
