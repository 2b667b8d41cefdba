"""Which elementwise functions of z are activations, in whatever nodes they are written.

The functions that a graph computes are numbered: equal operators of equal operands get equal
numbers. The exports of bpx's activations, and the forms in which other programs write them, are
numbered first, so that a number tells the activation.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpx.activations import ACTIVATIONS
from bpx.export.onnx.activations import write_activation
from bpx.export.onnx.graph import Graph
from bpx.export.onnx.model import OPSETS
from bpx.export.onnx.operations import write_function

__all__ = ["Forms", "Operand"]

Operand = int | NDArray[Any]
"""The number of a function of z, or a constant of one element."""

_COMMUTE = frozenset(("Add", "Max", "Min", "Mul"))
_DEFAULTS: dict[str, dict[str, Any]] = {
    "Elu": {"alpha": 1.0},
    "Gelu": {"approximate": "none"},
    "LeakyRelu": {"alpha": 0.01},
    "Softmax": {"axis": -1},
}
"""The attributes of operators that may be omitted."""
_SAME: dict[tuple[str, Any], Any] = {("axis", 1): -1}
"""Values of attributes that mean the same for matrices."""


def _silu(graph: Graph, z: str) -> str:
    return graph.add("Mul", z, graph.add("Sigmoid", z))


def _gelu_tanh(graph: Graph, z: str) -> str:
    # As PyTorch writes it for opsets before 20.
    cube = graph.add("Mul", z, graph.add("Mul", z, z))
    inner = graph.add("Add", z, graph.add("Mul", 0.044715, cube))
    tanh = graph.add("Tanh", graph.add("Mul", (2.0 / np.pi) ** 0.5, inner))
    return graph.add("Mul", 0.5, graph.add("Mul", z, graph.add("Add", 1.0, tanh)))


_ELSEWHERE: dict[str, Callable[[Graph, str], str]] = {"gelu_tanh": _gelu_tanh, "silu": _silu}
"""Forms in which other programs write activations: one line adds another."""


class Forms:
    """The functions of z that have been seen, by number.

    Attributes
    ----------
    z : int
        The number of z itself.
    known : dict of int to str
        The activations.
    operators : set of str
        The operators that an activation uses.
    """

    def __init__(self, dtype: Any) -> None:
        self.dtype = np.dtype(dtype)
        self._numbers: dict[Hashable, int] = {}
        self.z = self.number("z", {}, ())
        self.known: dict[int, str] = {}
        self.operators: set[str] = set()
        for name, sigma in ACTIVATIONS.items():
            self._learn(name, partial(write_activation, sigma=sigma, width=2))
            form = partial(write_function, name=name, function=sigma.sigma, width=2)
            self._learn(name, form)
        for name, write in _ELSEWHERE.items():
            self._learn(name, write)

    def number(
        self, op: str, attributes: Mapping[str, Any], operands: Sequence[Operand]
    ) -> int:
        """Return the number of an operator of these operands."""
        signs: list[Hashable] = [self._sign(each) for each in operands]
        if op in _COMMUTE:
            signs.sort(key=repr)
        key = op, _canonical(op, attributes), tuple(signs)
        return self._numbers.setdefault(key, len(self._numbers))

    def _sign(self, operand: Operand) -> Hashable:
        if isinstance(operand, int):
            return operand
        kind = operand.dtype.kind
        return kind, operand.astype(self.dtype if kind == "f" else operand.dtype).tobytes()

    def _learn(self, name: str, write: Callable[..., str]) -> None:
        """Number the functions that lead to an activation, as `write` writes them."""
        graph = Graph(OPSETS[1], self.dtype)
        a = write(graph, z="z")
        held: dict[str, Operand] = {"z": self.z, **graph.initializers}
        for node in graph.nodes:
            operands = [held[each] for each in node.inputs]
            held[node.output] = self.number(node.op, node.attributes, operands)
            self.operators.add(node.op)
        number = held[a]
        assert isinstance(number, int), "an activation depends on z"
        self.known[number] = name


def _canonical(op: str, attributes: Mapping[str, Any]) -> Hashable:
    """Return the attributes in the one form that equal ones have."""
    whole = {**_DEFAULTS.get(op, {}), **attributes}
    return tuple((name, _plain(name, whole[name])) for name in sorted(whole))


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if isinstance(value, float):
        return float(np.float32(value))  # which files hold
    return _SAME.get((name, value), value) if isinstance(value, int) else str(value)
