"""The comments above the statements of C: the equations of the printed program."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from bpx.export.c.text import comment
from bpx.program.notation import Equation, equations
from bpx.program.operation import Operation, Value
from bpx.program.plan import Plan
from bpx.program.program import Program

__all__ = ["Comments"]


@dataclass(frozen=True, eq=False)
class Comments:
    """What the statements of a planned program compute.

    Attributes
    ----------
    program : Program
        As it was recorded.
    plan : Plan
    targets : str
        What C calls the targets of a training step; empty if there are none.
    """

    program: Program
    plan: Plan
    targets: str = ""

    @cached_property
    def equations(self) -> Mapping[Value, Equation]:
        """The equations, by the value that each makes."""
        program = self.program
        found = equations(program.inputs, program.operations, program.outputs)
        return {each.value: each for each in found}

    def of(self, made: Sequence[Value]) -> Iterator[str]:
        """Yield the equations of some results; those of random words are only counted."""
        lost = [v for each in made for v in self._lost(each)]
        told = dict.fromkeys([*lost, *made])
        found = [self.equations[v] for v in told if v in self.equations]
        shown = [each for each in found if each.value.dtype.kind == "real floating"]
        lines = [f"{each.name} = {each.text}   ({each.label})" for each in shown]
        if words := [each for each in found if each not in shown]:
            several = "s" * (len(words) > 1)
            lines.append(f"{len(words)} equation{several} of {words[0].label}")
        lines += [] if found else self._part(made[-1])
        if lines:
            yield from comment(self._in_short("\n".join(lines)))

    def _lost(self, value: Value) -> Iterator[Value]:
        """Yield the results on the way to another that the plan has no more, or as views."""
        op = self._makers.get(value)
        for v in op.values if op else ():
            if v in self._makers and v not in self._made:
                yield from self._lost(v)
                yield v

    @cached_property
    def _makers(self) -> Mapping[Value, Operation]:
        return {op.result: op for op in self.program.operations}

    @cached_property
    def _made(self) -> set[Value]:
        """The results that instructions make, and constants."""
        each = (
            (i,) if isinstance(i, Operation) else i.operations for i in self.plan.instructions
        )
        return {op.result for group in (*each, self.plan.constants) for op in group}

    def _part(self, value: Value) -> Iterator[str]:
        """Yield which equation a result without one is a part of."""
        wholes = self._wholes.get(value, ())
        found = (each for each in self.equations.values() if each.value in wholes)
        for each in found:
            yield f"for {each.name}   ({each.label})"
            return

    @cached_property
    def _wholes(self) -> Mapping[Value, set[Value]]:
        """The results of the equations that each result without one is a part of."""
        found: dict[Value, set[Value]] = {}
        for op in reversed(self.program.operations):
            whole = {op.result} if op.result in self.equations else found.get(op.result, set())
            for v in op.values:
                if v not in self.equations:
                    found.setdefault(v, set()).update(whole)
        return found

    def _in_short(self, text: str) -> str:
        """Leave out where the recording found an input."""
        text = text.replace("data.y", self.targets) if self.targets else text
        return text.replace("data.", "").replace("parameters.", "")
