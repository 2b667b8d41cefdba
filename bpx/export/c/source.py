"""The whole file: declarations, weights, memory, functions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING

from bpx.export.c.answers import Answers
from bpx.export.c.functions import Function, planned
from bpx.export.c.programs import Recorded, inference
from bpx.export.c.state import Field, constants, fields, initialised, structure
from bpx.export.c.tables import Row
from bpx.export.c.text import block, comment, of_type
from bpx.model.parameters import Parameters
from bpx.model.spec import Spec
from bpx.optim.scaling import learning_rate
from bpx.program.contract import named_leaves
from bpx.program.operation import DType, dtype_of

if TYPE_CHECKING:
    from bpx.data import Schema

__all__ = ["Source"]


@dataclass(frozen=True, eq=False)
class Source:
    """A network as a file of C.

    Attributes
    ----------
    spec : Spec
    parameters : Parameters
        On the host.
    schema : Schema or None
    name : str
        The prefix of all names.
    n : int
        The number of samples of a call.
    recorded : Recorded or None
        The training step, if the file is to have one.
    """

    spec: Spec
    parameters: Parameters
    schema: "Schema | None"
    name: str
    n: int
    recorded: Recorded | None

    @cached_property
    def dtype(self) -> DType:
        """The dtype of the network."""
        return dtype_of(self.parameters.like.dtype.name)

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """The arrays: the parameters or, in training, the whole state."""
        if self.recorded is None:
            return fields(named_leaves(self.parameters, "parameters"))
        named = named_leaves(self.recorded.state)
        return fields((place, leaf) for place, leaf in named if not place.startswith("metrics"))

    @property
    def written(self) -> Sequence[Field]:
        """The arrays that the file holds."""
        if self.recorded is None:
            read = {self.predict.inputs.get(v) for v in self.predict.reads}
            return [each for each in self.fields if self._place(each) in read]
        return [each for each in self.fields if not each.is_uniform]

    @cached_property
    def predict(self) -> Function:
        """The function that answers."""
        program = inference(self.spec, self.parameters, self.n)
        *parameters, x = program.data
        names = {v: self._place(each) for v, each in zip(parameters, self.fields, strict=False)}
        inputs = {**names, x: "x", program.state[0]: "y"}
        return planned(program, self.name, f"{self.name}_predict", inputs)

    @cached_property
    def step(self) -> Function | None:
        """The function that trains."""
        if self.recorded is None:
            return None
        program, places = self.recorded.program, iter(self.fields)
        inputs = {
            v: "cost" if v.name.startswith("metrics") else self._place(next(places))
            for v in program.state
        }
        x, y = program.data
        inputs |= {x: "x", y: self._targets[1]}
        return planned(program, self.name, f"{self.name}_step", inputs)

    def _place(self, field: Field) -> str:
        between = "_" if self.recorded is None else "_state."
        return f"{self.name}{between}{field.name}"

    @property
    def _targets(self) -> tuple[str, str]:
        """The type and the name of the targets."""
        assert self.recorded is not None
        y = self.recorded.program.data[1]
        return of_type(y.dtype), "labels" if y.dtype.name == "int32" else "y"

    @property
    def _functions(self) -> tuple[Function, ...]:
        return (self.predict,) if self.step is None else (self.predict, self.step)

    @cached_property
    def arenas(self) -> Mapping[DType, int]:
        """The size of the scratch memory of each dtype; the functions share it."""
        sizes: dict[DType, int] = {}
        for function in self._functions:
            for dtype, arena in function.arenas.items():
                sizes[dtype] = max(sizes.get(dtype, 0), arena.size)
        return sizes

    @property
    def answers(self) -> Answers:
        """What the outputs mean."""
        return Answers(self.spec, self.schema, self.name, self.dtype)

    @property
    def row(self) -> Row | None:
        """The row of a table, if the network has a schema."""
        return None if self.schema is None else Row(self.schema, self.name, self.dtype)

    @property
    def rate(self) -> Field | None:
        """The field of the learning rate, if it is one number that can be set."""
        if self.recorded is None:
            return None
        eta = learning_rate(self.recorded.rule, self.recorded.state.optimizer)
        return next((each for each in self.fields if each.values is eta), None)

    def text(self) -> str:
        """Return the file."""
        return "\n".join([*self._head(), *self._body(), ""])

    def _head(self) -> Iterator[str]:
        guard = f"{self.name.upper()}_C"
        yield from comment("\n".join(self._told()))
        yield from (f"#ifndef {guard}", f"#define {guard}", "")
        yield from (f"#include <{each}.h>" for each in ("math", "stdbool", "stddef"))
        yield from (f"#include <{each}.h>" for each in ("stdint", "string"))
        yield from ("", "#ifdef __cplusplus", 'extern "C" {', "#endif", "")
        yield from self._declared()
        yield from ("", "#ifdef __cplusplus", "}", "#endif", "#endif", "")

    def _told(self) -> Iterator[str]:
        weights = sum(each.values.nbytes for each in self.written)
        scratch = sum(dtype.itemsize * size for dtype, size in self.arenas.items())
        state = 0 if self.step is None else sum(each.values.nbytes for each in self.fields)
        sizes = "-".join(map(str, self.spec.sizes))
        version = import_module("bpx").__version__
        yield f"{self.name}: the network {sizes} in {self.dtype}, written by bpx {version}."
        yield ""
        yield "C99; it needs nothing but the C library, and allocates no memory. Constants take"
        yield f"{weights:,} bytes, scratch memory {scratch:,}" + (
            f", and the state {state:,}." if state else "."
        )
        yield "The memory is static, so one call runs at a time."
        yield ""
        yield "Compile it with cc -std=c99 -O2 -c FILE.c, and link with -lm. A file that calls"
        yield f"it needs the declarations: #define {self.name.upper()}_DECLARATIONS, and then"
        yield '#include "FILE.c".'

    def _declared(self) -> Iterator[str]:
        if self.row is not None:
            yield from (*self.row.declared(), "")
        k = self.spec.sizes
        yield from comment(
            f"The outputs y, {self.n} x {k[-1]}, of the inputs x, {self.n} x {k[0]}."
        )
        yield f"{self._predict};"
        yield from self.answers.declared()
        if self.step is not None:
            yield ""
            yield from structure(self.name, self.fields)
            yield from comment("Sets the state to what it was in bpx. Call it first.")
            yield f"void {self.name}_init(void);"
            yield from self.answers.declared_for_training()
            yield from comment(
                f"Takes one training step on {self.n} sample{'s' * (self.n > 1)}. Returns the "
                f"mean cost before it. {self.answers.targets(self._targets[1])}"
            )
            yield f"{self._step};"
            if self.rate is not None:
                yield from comment("The learning rate, which may be set between the steps.")
                yield f"#define {self.name}_eta ({self.name}_state.{self.rate.name}[0])"

    @property
    def _predict(self) -> str:
        kind = of_type(self.dtype)
        return f"void {self.name}_predict(const {kind} *x, {kind} *y)"

    @property
    def _step(self) -> str:
        kind, (other, targets) = of_type(self.dtype), self._targets
        return f"{kind} {self.name}_step(const {kind} *x, const {other} *{targets})"

    def _body(self) -> Iterator[str]:
        yield from (f"#ifndef {self.name.upper()}_DECLARATIONS", "")
        yield from constants(self.name, self.written)
        for function in self._functions:
            yield from function.declared()
        if self.row is not None:
            yield from self.row.constants()
        for dtype, size in self.arenas.items():
            yield f"static {of_type(dtype)} {self.name}_{dtype}[{size}]; /* scratch memory */"
        if self.step is not None:
            yield f"struct {self.name}_state {self.name}_state;"
        if self.row is not None:
            yield from ("", *self.row.defined())
        yield from ("", *block(self._predict, self.predict.lines()))
        yield from self.answers.defined()
        if self.step is not None:
            yield from self.answers.defined_for_training()
            yield from (
                "",
                *block(f"void {self.name}_init(void)", initialised(self.name, self.fields)),
            )
            kind = of_type(self.dtype)
            lines = [f"{kind} cost[1];", *self.step.lines(), "", "return cost[0];"]
            yield from ("", *block(self._step, lines))
        yield from ("", "#endif")
