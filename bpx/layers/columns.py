"""Which columns of a network's inputs the layers replace and pass, and which hold codes."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Protocol

from bpx._validate import whole
from bpx.errors import InputError, option

__all__ = ["Encoded", "check_columns", "coded_inputs", "listed", "positions", "sources"]


class Encoded(Protocol):
    """The inputs that a table's schema makes: see `bpx.data.Schema`."""

    @property
    def width(self) -> int:
        """The number of inputs."""

    @property
    def codes(self) -> Mapping[int, int]:
        """The inputs that hold codes, and the number of codes of each."""

    @property
    def numbers(self) -> tuple[int, ...]:
        """The inputs that hold scaled numbers or dates."""


def check_columns(n_in: int, columns: Any) -> tuple[int, ...]:
    """Return the columns of an input of width `n_in` as a tuple of ints.

    Raises
    ------
    InputError
        If there are none, one is out of range, or they do not increase.
    """
    expected = f"increasing column numbers in 0 ... {n_in - 1}"
    given = listed(columns)
    if not given:
        raise InputError(f"{option('columns', columns)} was given; expected {expected}")
    found = tuple(whole("columns", each, 0, n_in - 1, expected) for each in given)
    if any(one >= other for one, other in pairwise(found)):
        raise InputError(f"{option('columns', list(found))} was given; expected {expected}")
    return found


def listed(numbers: Any) -> tuple[Any, ...]:
    """Return a sequence, or an array with one axis, as a tuple; nothing of anything else."""
    if len(getattr(numbers, "shape", ())) == 1:
        return tuple(numbers)
    is_list = isinstance(numbers, Sequence) and not isinstance(numbers, str)
    return tuple(numbers) if is_list else ()


def positions(
    schema: Encoded, columns: Sequence[int], after: Any
) -> tuple[int, tuple[int, ...]]:
    """Return the width after some layers, and where inputs of a schema are there.

    Parameters
    ----------
    schema : Encoded
    columns : sequence of int
        The inputs, in order.
    after : layer or sequence of layers
        The layers that run before, in order; or none.

    Raises
    ------
    InputError
        If a layer replaces one of the inputs, or does not say what it passes.
    """
    width, found = schema.width, list(columns)
    for layer in after if isinstance(after, Sequence) else (after,):
        if not hasattr(layer, "passed") or layer.n_in != width:
            raise InputError(
                f"{option('after', layer)} was given; expected a layer that takes {width} "
                "columns and passes some of them, such as bpx.Embedding and bpx.Periodic do"
            )
        now = {column: i for i, column in enumerate(layer.passed)}
        if any(each not in now for each in found):
            raise InputError(
                f"{layer!r} replaces columns that this layer needs; expected layers of "
                "different columns"
            )
        width, found = layer.n_out, [now[each] for each in found]
    return width, tuple(found)


def sources(layers: Sequence[Any]) -> Iterator[tuple[Any, list[int | None]]]:
    """Yield each layer, and the input that each of its columns is; None for another number."""
    where: list[int | None] = list(range(layers[0].n_in))
    for layer in layers:
        yield layer, where
        passed = [where[each] for each in getattr(layer, "passed", ())]
        where = passed + [None] * (layer.n_out - len(passed))


def coded_inputs(layers: Sequence[Any]) -> dict[int, int]:
    """Return the inputs of a network that hold codes, and the number of codes of each.

    Raises
    ------
    InputError
        If a layer takes codes from a column that a layer below computes.
    """
    found: dict[int, int] = {}
    for number, (layer, where) in enumerate(sources(layers), 1):
        for column, levels in getattr(layer, "codes", {}).items():
            source = where[column]
            if source is None:
                raise InputError(
                    f"layer {number}, {layer!r}, takes codes from its column {column}, which a "
                    "layer below computes; expected inputs of the network, which layers such "
                    "as bpx.Periodic pass unchanged"
                )
            found[source] = levels
    return found
