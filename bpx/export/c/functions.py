"""A planned program as the body of a C function."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from bpx.export.c.arena import Arena, arenas
from bpx.export.c.comments import Comments
from bpx.export.c.expressions import ELEMENTWISE
from bpx.export.c.nests import in_braces, nest_lines
from bpx.export.c.operations import operation_lines
from bpx.export.c.places import Constant, Place, Readable, contiguous, evaluated, viewed
from bpx.export.c.reductions import REDUCTIONS
from bpx.export.c.scope import Scope
from bpx.export.c.text import array, of_type, sanitised
from bpx.program.accumulate import accumulated
from bpx.program.fusion import Kernel, can_fuse
from bpx.program.instructions import Exchange, Instruction, read_by
from bpx.program.operation import DType, Operation, Value
from bpx.program.plan import Plan, plan
from bpx.program.program import Program

__all__ = ["Function", "planned"]


def _fuses(op: Operation) -> bool:
    return can_fuse(op) and op.name in ELEMENTWISE | REDUCTIONS


@dataclass(frozen=True, eq=False)
class Function:
    """The statements of a program, and the memory that they need.

    Attributes
    ----------
    program : Program
        As it was recorded.
    plan : Plan
    prefix, name : str
        The prefix of all names that the file defines, and the name of the function.
    inputs : mapping of Value to str
        What each input of the program that is in memory is called in C.
    taken : frozenset of str
        Names that variables cannot have.
    """

    program: Program
    plan: Plan
    prefix: str
    name: str
    inputs: Mapping[Value, str]
    taken: frozenset[str]

    @cached_property
    def arenas(self) -> Mapping[DType, Arena]:
        """The scratch memory of each dtype."""
        return arenas(self.plan.offsets)

    @cached_property
    def comments(self) -> Comments:
        """The equations above the statements."""
        y = (self.inputs[v] for v in self.program.data if v.name == "data.y")
        return Comments(self.program, self.plan, next(y, ""))

    @cached_property
    def names(self) -> Mapping[Value, str]:
        """The names of values: those of the printed program."""
        taken = set(self.taken)
        found = {v: sanitised(e.name, taken) for v, e in self.comments.equations.items()}
        return found | {v: sanitised("s", taken) for v in self.plan.offsets if v not in found}

    @cached_property
    def constants(self) -> Mapping[Value, Constant]:
        """The arrays that depend on no input."""
        values = evaluated(self.plan.constants)
        return {
            v: Constant(each, v.dtype, f"{self.name}_constant{i}")
            for i, (v, each) in enumerate(values.items(), 1)
        }

    @cached_property
    def arrays(self) -> Mapping[Value, Readable]:
        """Where every array in memory is."""
        found: dict[Value, Readable] = dict(self.constants)
        at = {v: Place(name, v.shape, contiguous(v.shape)) for v, name in self.inputs.items()}
        for v in self.plan.offsets:
            at[v] = Place(self.names[v], v.shape, contiguous(v.shape))
        for v, i in self.plan.states.items():
            at[v] = at[self.plan.program.state[i]]
        for v, op in self.plan.views.items():
            at[v] = viewed(op, at[op.values[0]])
        return found | at

    @cached_property
    def reads(self) -> set[Value]:
        """The arrays that the function reads, apart from views of them."""
        read = {v for each in self.plan.instructions for v in read_by(each)}
        return {self.plan.roots.get(v, v) for v in read}

    def declared(self) -> Iterator[str]:
        """Yield the constants that the function reads."""
        for v, constant in self.constants.items():
            if v in self.reads and constant.is_written:
                declared = f"static const {of_type(v.dtype)} {constant.base}"
                yield from array(declared, constant.values, v.dtype)

    def lines(self) -> Iterator[str]:
        """Yield the statements."""
        for v in self.plan.offsets:
            at, kind = self.arenas[v.dtype].offsets[v], of_type(v.dtype)
            place = f"{self.prefix}_{v.dtype}" + (f" + {at}" if at else "")
            yield f"{kind} *const {self.names[v]} = {place}; /* {_shape(v)} */"
        scope = Scope(self.arrays, self.names)
        for each in self.plan.instructions:
            yield from self._instruction(each, scope)
        for i, v in self.plan.copies:
            to, kind = self.inputs[self.plan.program.state[i]], of_type(v.dtype)
            yield f"memcpy({to}, {self.names[v]}, {v.size} * sizeof({kind}));"

    def _instruction(self, each: Instruction, scope: Scope) -> Iterator[str]:
        assert not isinstance(each, Exchange)  # a file in C has no ranks
        if isinstance(each, Kernel):
            for nest in each.nests:
                yield ""
                yield from self.comments.of([op.result for op in nest.operations])
                yield from in_braces(list(nest_lines(nest, scope, set(each.writes))))
        else:
            yield ""
            yield from self.comments.of([each.result])
            yield from in_braces(list(operation_lines(each, scope)))


def _shape(v: Value) -> str:
    return " x ".join(map(str, v.shape)) or "1"


def planned(program: Program, prefix: str, name: str, inputs: Mapping[Value, str]) -> Function:
    """Plan a program as a function of C; `inputs` are the names of its arrays there."""
    taken = frozenset(("x", "y", "labels", "i", "j", "m", "p", "sum", "total", "best", "next",
                       "factor", "v", *inputs.values()))  # fmt: skip
    return Function(program, plan(accumulated(program), _fuses), prefix, name, inputs, taken)
