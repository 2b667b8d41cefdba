"""Answers as C: the class of a sample, the names of the classes, numbers in their own units."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bpx.export.c.tables import texts
from bpx.export.c.text import block, comment, literal, loop, of_type
from bpx.model.metrics import single_rule
from bpx.model.spec import Spec
from bpx.program.operation import DType

if TYPE_CHECKING:
    from bpx.data import Schema

__all__ = ["Answers"]


@dataclass(frozen=True)
class Answers:
    """What the outputs of one sample mean.

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

    def _decided(self) -> Iterator[str]:
        k, rule = self.spec.sizes[-1], single_rule(self.spec)
        if k == 1:
            least = 0.0 if rule == "sign" else 0.5
            yield f"return y[0] > {literal(least, self.dtype)};"
            return
        yield "size_t best = 0;"
        yield from loop("j", k, ["if (y[j] > y[best]) best = j;"])
        yield "return (int)best;"
