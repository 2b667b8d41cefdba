"""The arrays that a training step changes: a struct, and its values before the first step."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpx.export.c.text import array, block, literal, loop, of_type, sanitised, uniform
from bpx.program.operation import DType, dtype_of

__all__ = ["Field", "constants", "fields", "initialised", "structure"]


@dataclass(frozen=True, eq=False)
class Field:
    """One array: its name in C, its name in bpx, and its values.

    Attributes
    ----------
    name, place : str
    values : ndarray
    """

    name: str
    place: str
    values: NDArray[Any]

    @cached_property
    def dtype(self) -> DType:
        """The dtype."""
        return dtype_of(self.values.dtype.name)

    @property
    def is_uniform(self) -> bool:
        """Whether one number fills it."""
        return uniform(self.values)

    @property
    def declared(self) -> str:
        """Its declaration in a struct."""
        shape = " x ".join(map(str, self.values.shape))
        kind = of_type(self.dtype)
        return f"{kind} {self.name}[{self.values.size}]; /* {self.place}, {shape} */"


def fields(named: Iterable[tuple[str, Any]]) -> tuple[Field, ...]:
    """Return a field for each named array; w[0] is called w1, as in the book."""
    taken = set(_OTHERS)
    return tuple(
        Field(sanitised(_counted_from_1(place), taken), place, np.asarray(leaf))
        for place, leaf in named
    )


_OTHERS = frozenset(
    (
        "class", "encode", "eta", "init", "labels", "predict", "row", "state", "step",
        "target", "value",
    )
)  # fmt: skip
"""What follows the prefix in the file's other names."""


def _counted_from_1(place: str) -> str:
    parts = place.removeprefix("parameters.").removeprefix("data.parameters.").split("[")
    return parts[0] + "".join(
        f"{int(number) + 1}{rest}" for number, _, rest in (p.partition("]") for p in parts[1:])
    )


def constants(prefix: str, found: Sequence[Field]) -> Iterator[str]:
    """Yield the arrays that the file holds: the weights, and other numbers that differ."""
    for field in found:
        declared = f"static const {of_type(field.dtype)} {prefix}_{field.name}"
        yield f"/* {field.place}, {' x '.join(map(str, field.values.shape))} */"
        yield from array(declared, field.values, field.dtype)


def structure(prefix: str, found: Sequence[Field]) -> Iterator[str]:
    """Yield the declaration of the struct, and of the variable of that name."""
    lines = list(block(f"extern struct {prefix}_state", [each.declared for each in found]))
    yield from (*lines[:-1], f"}} {prefix}_state;")


def initialised(prefix: str, found: Sequence[Field]) -> Iterator[str]:
    """Yield the statements that set all arrays to their first values."""
    state = f"{prefix}_state"
    yield f"memset(&{state}, 0, sizeof {state});"
    for each in found:
        to, size = f"{state}.{each.name}", each.values.size
        if not each.is_uniform:
            yield f"memcpy({to}, {prefix}_{each.name}, sizeof {to});"
        elif any(each.values.flat[0].tobytes()):  # -0.0 is set, too
            number = literal(each.values.flat[0], each.dtype)
            index = "i" if size > 1 else "0"
            yield from loop("i", size, [f"{to}[{index}] = {number};"])
