"""Answers and targets as C: classes and their names, and numbers in their own units."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bpx.export.c.tables import in_short, texts
from bpx.export.c.text import block, comment, literal, loop, of_type
from bpx.model.metrics import single_rule
from bpx.model.spec import Spec
from bpx.program.operation import DType, dtype_of

if TYPE_CHECKING:
    from bpx.data import Schema

__all__ = ["Answers"]

_DOUBLE = dtype_of("float64")
_FEW = 10
"""So many classes are named in a comment."""


@dataclass(frozen=True)
class Answers:
    """What the outputs and the targets of one sample mean.

    Attributes
    ----------
    spec : Spec
    schema : Schema or None
    prefix : str
    dtype : DType
    """

    spec: Spec
    schema: "Schema | None"
    prefix: str
    dtype: DType

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes, if the schema has some."""
        target = self.schema and self.schema.target
        return target.names() if target else ()

    @property
    def has_classes(self) -> bool:
        """Whether `classify` answers with a class."""
        target = self.schema and self.schema.target
        if target:
            return bool(target.classes)
        return self.spec.sizes[-1] > 1 or single_rule(self.spec) is not None

    @property
    def _class(self) -> str:
        return f"int {self.prefix}_class(const {of_type(self.dtype)} *y)"

    @property
    def _value(self) -> str:
        kind = of_type(self.dtype)
        return f"{kind} {self.prefix}_value({kind} y)"

    @property
    def _target(self) -> str:
        return f"{of_type(self.dtype)} {self.prefix}_target(double y)"

    @property
    def _units(self) -> tuple[float, float] | None:
        """The scale and the center of a numeric target."""
        target = self.schema and self.schema.target
        return (target.scale, target.center) if target and not target.classes else None

    def declared(self) -> Iterator[str]:
        """Yield the declarations."""
        if self.has_classes:
            yield from comment("The class of one sample, from its outputs y.")
            yield f"{self._class};"
        if self.names:
            yield from comment("The names of the classes.")
            yield f"extern const char *const {self.prefix}_labels[{len(self.names)}];"
        if self._units:
            yield from comment("An output in the units of the target.")
            yield f"{self._value};"

    def defined(self) -> Iterator[str]:
        """Yield the definitions."""
        if self.names:
            yield from ("", *texts(f"const char *const {self.prefix}_labels", self.names))
        if self.has_classes:
            yield from ("", *block(self._class, self._decided()))
        if self._units:
            scale, center = (literal(each, self.dtype) for each in self._units)
            yield from ("", *block(self._value, [f"return y * {scale} + {center};"]))

    def declared_for_training(self) -> Iterator[str]:
        """Yield the declaration of what makes the targets of a training step."""
        if self._units:
            yield from comment(
                "A target in its own units, scaled as the training step is given it: the "
                f"inverse of {self.prefix}_value."
            )
            yield f"{self._target};"

    def defined_for_training(self) -> Iterator[str]:
        """Yield its definition: the target is scaled, and rounded to float32, as in bpx."""
        if self._units:
            scale, center = (literal(each, _DOUBLE) for each in self._units)
            kind = of_type(self.dtype)
            cast = "(float)" if kind == "float" else f"({kind})(float)"
            lines = [f"return {cast}((y - {center}) / {scale});"]
            yield from ("", *block(self._target, lines))

    def targets(self, called: str) -> str:
        """Say what a training step is given as `called`, its labels or y."""
        k, rule = self.spec.sizes[-1], single_rule(self.spec)
        if self._units:
            return f"y holds what {self.prefix}_target returns for the target of each sample."
        if called == "labels" or (k == 1 and self.names):
            return f"{called} holds the class of each sample, {self._numbered()}."
        classes = f"0 or 1, as {self.prefix}_class returns it"
        if k == 1 and rule == "sign":
            return f"y holds the class of each sample, {classes}."
        if k == 1 and rule:
            return f"y holds a number from 0 to 1 for each sample; of two classes, {classes}."
        if k == 1:
            return "y holds a number for each sample, in the units of the output."
        order = f" in the order of {self.prefix}_labels" * bool(self.names)
        same = self.spec.cost.per_target
        repeated = f"; every {same} in a row are one target, repeated" * (same > 1)
        return f"y holds {k} numbers for each sample, one for each output{order}{repeated}."

    def _numbered(self) -> str:
        if not self.names:
            return f"from 0 to {self.spec.sizes[-1] - 1}, as {self.prefix}_class returns it"
        named = [f'{i} is "{in_short(name)}"' for i, name in enumerate(self.names)]
        shown = named if len(named) <= _FEW else [named[0], "...", named[-1]]
        return f"its place in {self.prefix}_labels: {', '.join(shown)}"

    def _decided(self) -> Iterator[str]:
        k, rule = self.spec.sizes[-1], single_rule(self.spec)
        if k == 1:
            least = 0.0 if rule == "sign" else 0.5
            yield f"return y[0] > {literal(least, self.dtype)};"
            return
        yield "size_t best = 0;"
        yield from loop("j", k, ["if (y[j] > y[best]) best = j;"])
        yield "return (int)best;"
