"""Activations as ONNX nodes: ONNX's own operator where there is one, else what is recorded."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from bpx.activations import ACTIVATIONS
from bpx.export.onnx.graph import Graph
from bpx.export.onnx.operations import write_function
from bpx.jacobians import Activation

__all__ = ["OPERATORS", "Operator", "write_activation"]


class Operator(NamedTuple):
    """An operator that computes an activation.

    Attributes
    ----------
    op : str
    attributes : mapping of str to value
    doubles : bool
        Whether onnxruntime computes it in float64 on the CPU, too.
    since : int
        The first opset that has it.
    """

    op: str
    attributes: Mapping[str, Any] = {}
    doubles: bool = True
    since: int = 1


OPERATORS: dict[str, Operator] = {
    "sigmoid": Operator("Sigmoid"),
    "tanh": Operator("Tanh"),
    "relu": Operator("Relu"),
    "leaky_relu": Operator("LeakyRelu", {"alpha": 0.01}, doubles=False),
    "elu": Operator("Elu", {"alpha": 1.0}, doubles=False),
    "softplus": Operator("Softplus", doubles=False),
    "gelu_tanh": Operator("Gelu", {"approximate": "tanh"}, doubles=False, since=20),
    "exponential": Operator("Exp"),
    "softmax": Operator("Softmax", {"axis": -1}),
}
"""The built-in activations that are one operator. All others are recorded."""


def write_activation(graph: Graph, sigma: Activation, width: int, z: str) -> str:
    """Write a = sigma(z), for z of shape (n, width); return its name.

    Raises
    ------
    InputError
        If a user's own activation uses what ONNX has no operator for.
    """
    own = ACTIVATIONS.get(sigma.name) != sigma
    if sigma.name == "identity" and not own:
        return z
    operator = None if own else OPERATORS.get(sigma.name)
    if operator is None or not _has(graph, operator):
        return write_function(graph, sigma.name, sigma.sigma, width, z)
    return graph.add(operator.op, z, **operator.attributes)


def _has(graph: Graph, operator: Operator) -> bool:
    single = graph.dtype.itemsize == 4
    return graph.opset >= operator.since and (single or operator.doubles)
