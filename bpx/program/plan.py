"""From a program to what an engine runs: order, fusion, work in place, and memory.

The plan of a program is a list of instructions. Each is one operation or a `Kernel` of
several. Constants are computed once, views are made once, the state is updated in place
where nothing reads the old one any more, and all other results share one block of scratch
memory. What an engine's kernels can hold is up to the engine: with none, every operation is
an instruction of its own.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bpx.program.fusion import ELEMENTWISE, REDUCTIONS, Kernel, fuse
from bpx.program.inplace import Order, makers, written_over
from bpx.program.memory import assign, lifetimes
from bpx.program.operation import VIEWS, Operation, Value
from bpx.program.program import Program

__all__ = ["Instruction", "Plan", "plan"]

Instruction = Operation | Kernel


@dataclass(frozen=True, eq=False)
class Plan:
    """What an engine runs for one step.

    Attributes
    ----------
    program : Program
        As it was recorded, somewhat simplified.
    constants : tuple of Operation
        To be computed once: they depend on no input.
    views : mapping of Value to Operation
        To be made once: what looks at the memory of another array.
    instructions : tuple of Operation or Kernel
        To be run at every step, in this order.
    states : mapping of Value to int
        Results that are written where the state's array of that index is.
    copies : tuple of (int, Value)
        States to be copied from elsewhere at the end of a step: those that could not be
        written in place.
    offsets : mapping of Value to int
        The places of all other results in the scratch memory.
    scratch : int
        Its bytes.
    """

    program: Program
    constants: tuple[Operation, ...]
    views: Mapping[Value, Operation]
    instructions: tuple[Instruction, ...]
    states: Mapping[Value, int]
    copies: tuple[tuple[int, Value], ...]
    offsets: Mapping[Value, int]
    scratch: int

    @cached_property
    def roots(self) -> Mapping[Value, Value]:
        """The array whose memory a view looks at."""
        return _roots(self.views)

    def overwritten(self, kernel: Kernel) -> dict[Value, Value]:
        """For each array that a kernel writes over one that it reads: that one."""
        there = {self._place(v): v for v in kernel.reads}
        return {v: there[place] for v in kernel.writes if (place := self._place(v)) in there}

    def _place(self, v: Value) -> Any:
        if v in self.states:
            return "state", self.states[v]
        if v in self.offsets:
            return "scratch", self.offsets[v]
        return ("state", self.program.state.index(v)) if v in self.program.state else v

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """The instructions that are kernels."""
        return tuple(each for each in self.instructions if isinstance(each, Kernel))

    @property
    def bytes(self) -> int:
        """The bytes that the instructions read and write, each array once an instruction."""
        return sum(
            _moved_by(each) + sum(v.nbytes for v in written_by(each))
            for each in self.instructions
        )

    def __str__(self) -> str:
        return "\n".join(_described(each) for each in self.instructions)


def plan(program: Program, fuses: Callable[[Operation], bool] = lambda _: False) -> Plan:
    """Plan a program.

    Parameters
    ----------
    program : Program
    fuses : callable, optional
        Whether the engine wants an operation in a kernel; of those that `can_fuse` allows.
    """
    program = _settled(program)
    constants, views, work = _sorted(program.operations)
    roots = _roots(views)
    fused = {op for op in work if fuses(op) and all(_dense(v, views) for v in op.values)}
    before = makers(work, roots)
    in_place = written_over(program, work, roots, before, fused)
    order = _ordered(work, before, program.outputs)
    stages = _stages(order, before, fused)
    _postpone(order, before, fused, stages)
    instructions = _instructions(program, order, stages, fused, before, roots)
    states = {program.outputs[i]: i for i in in_place}
    offsets, scratch = _places(instructions, states, roots, program)
    return Plan(
        program,
        constants,
        views,
        instructions,
        states,
        tuple(
            (i, after)
            for i, (was, after) in enumerate(zip(program.state, program.outputs, strict=True))
            if was is not after and i not in in_place
        ),
        offsets,
        scratch,
    )


def read_by(instruction: Instruction) -> tuple[Value, ...]:
    """The arrays that an instruction reads."""
    if isinstance(instruction, Kernel):
        return instruction.reads
    return tuple(dict.fromkeys(instruction.values))


def _moved_by(instruction: Instruction) -> int:
    """The bytes that it reads: of what it gathers from, the rows that it gathers."""
    read = list(read_by(instruction))
    if isinstance(instruction, Operation) and instruction.name == "take":
        read[0] = instruction.result
    return sum(v.nbytes for v in read)


def written_by(instruction: Instruction) -> tuple[Value, ...]:
    """The arrays that an instruction fills."""
    return instruction.writes if isinstance(instruction, Kernel) else (instruction.result,)


def _settled(program: Program) -> Program:
    """Each output that changes has an operation of its own; squares and ones are simplified."""
    replaced: dict[Any, Any] = {}
    operations: list[Operation] = []
    ones = {op.result for op in program.operations if op.name == "full" and op.operands[0] == 1}
    for op in program.operations:
        operands = tuple(replaced.get(v, v) for v in op.operands)
        alike = [v for v in operands if v in ones]
        other = [v for v in operands if v not in ones]
        if (
            op.name == "multiply"
            and len(alike) == len(other) == 1
            and _same(other[0], op.result)
        ):
            replaced[op.result] = other[0]
        elif op.name == "pow" and operands[1] == 2:
            operations.append(op._replace(name="square", operands=operands[:1]))
        else:
            operations.append(op._replace(operands=operands))
    outputs: list[Value] = []
    computed = {op.result: op for op in operations if op.name not in VIEWS and op.values}
    for before, output in zip(program.state, program.outputs, strict=True):
        after = replaced.get(output, output)
        if after is not before and (after not in computed or after in outputs):
            copy = Value(after.shape, after.dtype)
            operations.append(Operation("copy", (after,), copy))
            after = copy
        outputs.append(after)
    return Program(program.state, program.data, program.rows, tuple(operations), tuple(outputs))


def _same(operand: Any, value: Value) -> bool:
    alike = isinstance(operand, Value) and operand.shape == value.shape
    return alike and operand.dtype == value.dtype


def _sorted(
    operations: Iterable[Operation],
) -> tuple[tuple[Operation, ...], dict[Value, Operation], tuple[Operation, ...]]:
    """Constants, views, and what is to be done at every step."""
    constants: dict[Value, Operation] = {}
    views: dict[Value, Operation] = {}
    work: list[Operation] = []
    for op in operations:
        if all(v in constants for v in op.values):
            constants[op.result] = op
        elif op.name in VIEWS and not (op.name == "reshape" and op.values[0] in views):
            views[op.result] = op
        else:
            work.append(op)
    return tuple(constants.values()), views, tuple(work)


def _dense(v: Value, views: Mapping[Value, Operation]) -> bool:
    """Whether the elements stand together, in order: of a transpose they do not."""
    if v not in views:
        return True
    op = views[v]
    parts = op.attribute("key", ())
    whole = (None, Ellipsis, slice(None))
    kept = op.name != "matrix_transpose" and all(
        each in whole for each in (parts if isinstance(parts, tuple) else (parts,))
    )
    return kept and _dense(op.values[0], views)


def _roots(views: Mapping[Value, Operation]) -> dict[Value, Value]:
    roots: dict[Value, Value] = {}
    for value, op in views.items():
        (base,) = op.values
        roots[value] = roots.get(base, base)
    return roots


def _ordered(
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


def _stages(
    order: Sequence[Operation], before: Order, fused: set[Operation]
) -> dict[Operation, int]:
    """Each stage is a kernel, followed by what no kernel holds."""
    stages: dict[Operation, int] = {}
    for op in order:
        stages[op] = max(
            (stages[p] + (op in fused and p not in fused) for p in before[op]), default=0
        )
    return stages


def _postpone(
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


def _instructions(
    program: Program,
    order: Sequence[Operation],
    stages: Mapping[Operation, int],
    fused: set[Operation],
    before: Order,
    roots: Mapping[Value, Value],
) -> tuple[Instruction, ...]:
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


def _places(
    instructions: Sequence[Instruction],
    states: Mapping[Value, int],
    roots: Mapping[Value, Value],
    program: Program,
) -> tuple[dict[Value, int], int]:
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
        same = instruction.name in ELEMENTWISE and instruction.name != "where"
        return [v for v in instruction.values if same and v.shape == value.shape]

    def unseen(i: int, value: Value) -> Iterable[Value]:
        return [v for v in inherits(i, value) if v not in viewed and v.dtype == value.dtype]

    return assign([*made, []], lives, unseen)


def _read_with(kernel: Kernel, value: Value) -> list[Value]:
    """The arrays of which each element is read last where that of `value` is written."""
    for nest in kernel.nests:
        for phase in nest.phases:
            at = next((i for i, op in enumerate(phase) if op.result is value), None)
            if at is None:
                continue
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


def _described(instruction: Instruction) -> str:
    if not isinstance(instruction, Kernel):
        return f"{instruction.name} -> {instruction.result.dtype} {instruction.result.shape}"
    lines = [
        f"kernel of {len(instruction.operations)} operations, {len(instruction.nests)} nests"
    ]
    for nest in instruction.nests:
        phases = "; ".join(" ".join(op.name for op in phase) for phase in nest.phases)
        lines.append(f"  {nest.domain[0]} x {nest.domain[1]}: {phases}")
    return "\n".join(lines)
