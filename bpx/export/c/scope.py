"""What the arrays of a plan are called in C, and where each one is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bpx.export.c.expressions import cast
from bpx.export.c.places import Readable
from bpx.export.c.text import literal
from bpx.program.operation import DType, Operand, Value

__all__ = ["Scope"]


@dataclass
class Scope:
    """The arrays that a function of C can read and write.

    Attributes
    ----------
    arrays : mapping of Value to Readable
        Every array that is in memory, and every constant.
    names : mapping of Value to str
        The names of values that the equations name.
    local : dict of Value to str
        The elements that are in variables now.
    """

    arrays: Mapping[Value, Readable]
    names: Mapping[Value, str]
    local: dict[Value, str] = field(default_factory=dict)
    count: int = 0

    def element(self, value: Value, ending: str = "") -> str:
        """Return a new name for an element of a value."""
        if value in self.names and ending:
            return f"{self.names[value]}_{ending}"
        self.count += 1
        return f"v{self.count}"

    def at(self, value: Value, indices: Sequence[str]) -> str:
        """Return the element in memory."""
        return self.arrays[value].at(indices)

    def read(self, operand: Operand, dtype: DType, indices: Sequence[str]) -> str:
        """Return an operand's element as C, of that dtype."""
        if not isinstance(operand, Value):
            return literal(operand, dtype)
        return cast(self.stored(operand, indices), operand.dtype, dtype)

    def stored(self, value: Value, indices: Sequence[str]) -> str:
        """Return the element, of the value's own dtype."""
        return self.local.get(value) or self.at(value, indices)
