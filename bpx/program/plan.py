"""From a program to an engine's instructions: order, fusion, updates in place, and memory.

The plan of a program is a list of instructions. Each is one operation or a `Kernel` of
several. Constants are computed once, views are made once, the state is updated in place
where nothing reads the old values any more, and all other results share one block of scratch
memory. The engine decides which operations its kernels can hold; without kernels, every
operation is a separate instruction.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bpx.program.fusion import Divide, Kernel, whole
from bpx.program.instructions import (
    Exchange,
    Instruction,
    buckets,
    described,
    grouped,
    moved_by,
    placed,
    written_by,
)
from bpx.program.operation import Operation, Value
from bpx.program.order import makers, ordered, postpone, staged, written_over
from bpx.program.precedence import Precedence
from bpx.program.program import Program
from bpx.program.sending import made_inside
from bpx.program.simplify import dense, parted, roots_of, rows_viewed, settled

__all__ = ["Plan", "plan"]


@dataclass(frozen=True, eq=False)
class Plan:
    """The instructions of an engine for one step, and the memory that they use.

    Attributes
    ----------
    program : Program
        The recorded program, slightly simplified.
    constants : tuple of Operation
        Operations to run once, since they depend on no input.
    views : mapping of Value to Operation
        Operations to run once, since their results share the memory of another array.
    instructions : tuple of Operation, Kernel or Exchange
        Instructions to run at every step, in this order.
    states : mapping of Value to int
        Results that are written to the state's array with that index.
    copies : tuple of (int, Value)
        States to copy from elsewhere at the end of a step, since they could not be written in
        place.
    offsets : mapping of Value to int
        The places of all other results in the scratch memory.
    scratch : int
        The size of the scratch memory in bytes.
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
        """The array that each view shares its memory with."""
        return roots_of(self.views)

    def picks(self, op: Operation) -> bool:
        """Whether an operation gathers from the data by the rows, which are within range."""
        if op.name != "take":
            return False
        source, indices = op.values
        return source in self.program.data and self.roots.get(indices, indices) is (
            self.program.rows
        )

    def overwritten(self, kernel: Kernel) -> dict[Value, Value]:
        """Map each array that a kernel writes over another, which it reads, to the other."""
        there = {self._place(v): v for v in kernel.reads}
        return {v: there[place] for v in kernel.writes if (place := self._place(v)) in there}

    def _place(self, v: Value) -> Any:
        if v in self.states:
            return "state", self.states[v]
        if v in self.offsets:
            return "scratch", self.offsets[v]
        if v in self.views and (rows := rows_viewed(self.views[v])) is not None:
            return self._place(self.views[v].values[0]), rows
        return ("state", self._indices[v]) if v in self._indices else v

    @cached_property
    def _indices(self) -> Mapping[Value, int]:
        return {v: i for i, v in enumerate(self.program.state)}

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """The instructions that are kernels."""
        return tuple(each for each in self.instructions if isinstance(each, Kernel))

    def message(self, exchange: Exchange) -> tuple[int, int] | None:
        """Where its sums lie side by side in the scratch memory: the first byte, and the end.

        Those that are written to the state are not there; None if there are no others.
        """
        sums = [op.result for op in exchange.sums if op.result in self.offsets]
        if not sums:
            return None
        ends = (self.offsets[v] + v.nbytes for v in sums)
        return min(self.offsets[v] for v in sums), max(ends)

    @property
    def bytes(self) -> int:
        """The bytes that the instructions read and write, each array once per instruction."""
        return sum(
            moved_by(each) + sum(v.nbytes for v in written_by(each))
            for each in self.instructions
        )

    def __str__(self) -> str:
        return "\n".join(described(each) for each in self.instructions)


def plan(
    program: Program,
    fuses: Callable[[Operation], bool] = lambda _: False,
    divide: Divide = whole,
) -> Plan:
    """Plan a program.

    Parameters
    ----------
    program : Program
    fuses : callable, optional
        Whether the engine wants a kernel to hold an operation that `can_fuse` allows.
    divide : callable, optional
        What it makes of a kernel's nests.
    """
    program = settled(program)
    constants, views, work = parted(program.operations)
    roots = roots_of(views)
    fused = {op for op in work if fuses(op) and all(dense(v, views) for v in op.values)}
    before = makers(work, roots)
    # Each sum over ranks waits for the arrays of all that are in its message.
    for ops in buckets(work).values():
        first = list(dict.fromkeys(each for op in ops for each in before[op]))
        before.update((op, list(first)) for op in ops)
    precedence = Precedence(before)
    in_place = written_over(program, work, roots, precedence, fused)
    inside = made_inside(program, work, views, precedence, in_place)
    order = ordered(work, before, program.outputs)
    stages = staged(order, before, fused)
    postpone(order, before, fused, stages)
    instructions = grouped(program, order, stages, fused, before, roots, divide)
    states = {program.outputs[i]: i for i in in_place}
    offsets, scratch = placed(instructions, {**states, **inside}, roots, program)
    return Plan(
        program,
        constants,
        {**views, **inside},
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
