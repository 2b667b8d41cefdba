"""`Graph`: the nodes and the constants of an ONNX graph, while it is built.

Values are known by their names. Wherever a node takes a value, it also takes a NumPy array or a
Python number, which becomes an initializer; a number gets the dtype of the graph.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpx.export.onnx.package import package

__all__ = ["Graph", "Node"]

Input = str | float | NDArray[Any]


class Node(NamedTuple):
    """One node, before it becomes a NodeProto."""

    op: str
    inputs: tuple[str, ...]
    output: str
    attributes: dict[str, Any]
    domain: str


class Graph:
    """The nodes so far, in an order in which they can run.

    Attributes
    ----------
    opset : int
        The version of ONNX's own operators.
    dtype : numpy.dtype
        float32 or float64, in which the network computes.
    nodes : list of Node
    initializers : dict of str to ndarray
    """

    def __init__(self, opset: int, dtype: Any, taken: Iterable[str] = ()) -> None:
        self.opset, self.dtype = opset, np.dtype(dtype)
        self.nodes: list[Node] = []
        self.initializers: dict[str, NDArray[Any]] = {}
        self._taken = set(taken)
        self._constants: dict[Any, str] = {}

    def add(self, op: str, *inputs: Input, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output; return the output's name."""
        output = self._fresh(op.lower())
        names = tuple(self._name(each) for each in inputs)
        self.nodes.append(Node(op, names, output, attributes, domain))
        return output

    def initializer(self, name: str, array: NDArray[Any]) -> str:
        """Add an array under this name, or a similar one if it is taken; return the name."""
        name = self._fresh(name)
        self.initializers[name] = array
        return name

    def reserve(self, name: str) -> str:
        """Take this name, or a similar one if it is taken; return it."""
        return self._fresh(name)

    def named(self, value: str, name: str) -> str:
        """Give the output of a node this name, or a similar one if it is taken; return it."""
        name = self._fresh(name)
        self.nodes = [_renamed(node, value, name) for node in self.nodes]
        return name

    def protos(self) -> tuple[list[Any], list[Any]]:
        """Return the NodeProtos and the TensorProtos."""
        onnx = package()
        nodes = [
            onnx.helper.make_node(
                each.op, each.inputs, [each.output], domain=each.domain, **each.attributes
            )
            for each in self.nodes
        ]
        arrays = self.initializers.items()
        return nodes, [onnx.numpy_helper.from_array(array, name) for name, array in arrays]

    def _name(self, given: Input) -> str:
        if isinstance(given, str):
            return given
        array = np.ascontiguousarray(given) if isinstance(given, np.ndarray) else None
        array = np.array(given, self.dtype) if array is None else array
        key = array.dtype.str, array.shape, array.tobytes()
        if array.dtype.kind == "O":  # the bytes of objects are addresses
            return self.initializer("constant", array)
        if key not in self._constants:
            self._constants[key] = self.initializer("constant", array)
        return self._constants[key]

    def _fresh(self, hint: str) -> str:
        name, number = hint, 1
        while name in self._taken:
            number += 1
            name = f"{hint}_{number}"
        self._taken.add(name)
        return name


def _renamed(node: Node, old: str, new: str) -> Node:
    inputs = tuple(new if each == old else each for each in node.inputs)
    return node._replace(inputs=inputs, output=new if node.output == old else node.output)
