"""The values of a graph while its nodes are read: constants, and states of a chain."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpx.errors import FileFormatError
from bpx.interop.onnx.chain import Chain, State
from bpx.interop.onnx.tensors import array_of

__all__ = ["Node", "Refusal", "Values", "is_row"]

_ENDS = 64
_FIELDS = {1: "f", 2: "i", 3: "s", 4: "t"}
"""The field of an attribute, by its type."""


def is_row(array: NDArray[Any], width: int) -> bool:
    """Whether an array is one number for each unit, for every sample."""
    return array.ndim < 3 and array.size == width and array.shape[-1:] in ((width,), ())


@dataclass(frozen=True)
class Refusal:
    """Why a value is nothing that bpx has; it matters only if the output needs the value."""

    reason: str


@dataclass(frozen=True, eq=False)
class Node:
    """A node with the values that it takes.

    Attributes
    ----------
    op : str
    inputs : list of State, ndarray or None
        None for an input that is omitted.
    attributes : dict of str to value
    shown : str
        The file and the node, for messages.
    """

    op: str
    inputs: list[Any]
    attributes: dict[str, Any]
    shown: str

    @property
    def described(self) -> str:
        """The file, the node, and its attributes that are numbers or texts."""
        plain = {n: x for n, x in self.attributes.items() if isinstance(x, int | float | bytes)}
        given = ", ".join(f"{name}={_shown(x)}" for name, x in plain.items())
        return f"{self.shown} with {given}" if given else self.shown

    def state(self, place: int = 0) -> State:
        """Return an input that depends on the graph's."""
        found = self.input(place)
        if not isinstance(found, State):
            raise self.refused("takes a constant where bpx expects the values of samples")
        return found

    def array(self, place: int) -> NDArray[Any]:
        """Return an input that is a constant."""
        found = self.input(place)
        if found is None or isinstance(found, State):
            raise self.refused(
                f"has no constant as input {place + 1}; expected one, in the file"
            )
        return found

    def vector(self, place: int, width: int) -> NDArray[Any]:
        """Return a constant of one number for each unit."""
        found = self.array(place)
        if not is_row(found, width):
            raise self.refused(
                f"takes {found.shape}; expected one number for each of {width} units"
            )
        return found.reshape(width)

    def number(self, name: str, usual: float) -> float:
        """Return an attribute that is a number."""
        found = self.attributes.get(name, usual)
        if not isinstance(found, int | float):
            raise self.refused(f"has {name}={found!r}; expected a number")
        return found

    def input(self, place: int) -> Any:
        """Return an input, or None if it is omitted."""
        return self.inputs[place] if place < len(self.inputs) else None

    def refused(self, why: str) -> FileFormatError:
        """Return the error to raise."""
        return FileFormatError(f"{self.shown} {why}")


def _shown(value: float | bytes) -> str:
    if isinstance(value, float):
        return str(np.float32(value))  # which files hold
    return repr(value.decode(errors="replace") if isinstance(value, bytes) else value)


def _attribute(proto: Any) -> Any:
    """Return a number, a text or an array; None for a list or a graph."""
    field = _FIELDS.get(proto.type)
    return None if field is None else getattr(proto, field)


class Values:
    """The values of a graph of some opset, by name."""

    def __init__(self, chain: Chain, label: str, opset: int) -> None:
        self.chain, self.label, self.opset = chain, label, opset
        self._held: dict[str, Any] = {}
        self._tensors: dict[str, Any] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._held or name in self._tensors

    def set(self, name: str, value: State | Refusal | NDArray[Any]) -> None:
        """Give a name its value.

        Raises
        ------
        FileFormatError
            If it has one.
        """
        self._check(name)
        self._held[name] = value

    def constant(self, name: str, tensor: Any) -> None:
        """Give a name an array of the file, which is read when it is needed."""
        self._check(name)
        self._tensors[name] = tensor

    def get(self, name: str) -> Any:
        """Return a value; a `Refusal` for a name that has none yet."""
        if not name:
            return None
        if name in self._tensors:
            self._held[name] = array_of(self._tensors.pop(name), self.label)
        return self._held.get(name, Refusal(f"{self.label}: nothing computes {name!r}"))

    def node(self, proto: Any) -> Node | Refusal:
        """Return a node with its inputs, or why one of them is nothing that bpx has.

        Raises
        ------
        FileFormatError
            If it has more inputs and outputs than any operator that bpx reads.
        """
        if max(len(proto.input), len(proto.output)) > _ENDS:
            raise FileFormatError(
                f"{self.label}: a node has more than {_ENDS} inputs or outputs; expected fewer"
            )
        inputs = [self.get(each) for each in proto.input]
        for each in inputs:
            if isinstance(each, Refusal):
                return each
        shown = f"{self.label}: the node {proto.name or proto.output[0]!r} ({proto.op_type})"
        attributes = {each.name: _attribute(each) for each in proto.attribute}
        return Node(proto.op_type, inputs, attributes, shown)

    def _check(self, name: str) -> None:
        if name in self:
            raise FileFormatError(f"{self.label} computes {name!r} twice; expected it once")
