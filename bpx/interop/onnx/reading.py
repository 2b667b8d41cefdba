"""An ONNX graph as the layers of a network, or an error that names what does not fit."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bpx.activations import Activation, ActivationName
from bpx.costs import Choice, Cost, CostName
from bpx.errors import FileFormatError, InputError
from bpx.export.onnx.package import package
from bpx.interop.ends import ended, usual_cost
from bpx.interop.onnx.chain import Chain, Link, State
from bpx.interop.onnx.forms import Forms
from bpx.interop.onnx.nodes import read_node
from bpx.interop.onnx.tensors import DOUBLE, FLOAT, array_of
from bpx.interop.onnx.values import Node, Refusal, Values
from bpx.model.parameters import Parameters
from bpx.model.spec import Spec, make_spec

__all__ = ["NODES", "read_model"]

NODES = 10_000
"""The most nodes of a graph."""
_FIRST_OPSET = 7
_LABELS = (6, 7, 8, 9)  # int32, int64, string, bool
_OWN = ("", "ai.onnx")


def read_model(
    model: Any,
    label: str,
    cost: CostName | Cost | Choice | None = None,
    output: ActivationName | Activation | None = None,
) -> tuple[Spec, Parameters]:
    """Return the spec and the parameters, on the host, of a graph of layers that bpx has.

    Parameters
    ----------
    model : onnx.ModelProto
    label : str
        The file, for messages.
    cost : str, Cost or Choice, optional
        By default `usual_cost`.
    output : str or Activation, optional
        The activation of the last layer, by default the graph's.

    Raises
    ------
    InputError
        If the output or the cost does not fit the layers.
    FileFormatError
        If the graph has anything else.
    """
    opset = _opset(model, label)
    graph, dtype = model.graph, _dtype(model.graph, label)
    name, width = _input(graph, label)
    chain = Chain(Forms(dtype), width, model.ByteSize() + 2**20)
    values = Values(chain, label, opset)
    for tensor in graph.initializer:
        values.constant(tensor.name, tensor)
    values.set(name, chain.input)
    for proto in graph.node:
        _read(values, proto)
    last = chain.closed(_output(graph, values, label))
    return _network([*last.down()][::-1], label, cost, output)


def _network(
    links: Sequence[Link],
    label: str,
    cost: CostName | Cost | Choice | None,
    output: ActivationName | Activation | None,
) -> tuple[Spec, Parameters]:
    if not links:
        raise FileFormatError(f"{label} has no layers; expected a Gemm or a MatMul")
    layers = ended([link.layer for link in links], output, f"the last layer of {label}")
    try:
        spec = make_spec(layers, cost=usual_cost(layers) if cost is None else cost)
    except InputError as error:
        if cost is not None:
            raise
        raise FileFormatError(f"{label} cannot be a network of bpx: {error}") from error
    return spec, Parameters(link.layer.entry(link.arrays) for link in links)


def _read(values: Values, proto: Any) -> None:
    """Read one node, and give its outputs their values, or the reason why they have none."""
    made: Any = values.node(proto) if proto.output else None
    if isinstance(made, Node):
        node = made
        try:
            made = _made(values, node, proto)
        except FileFormatError as error:
            made = Refusal(str(error))
        except InputError as error:  # of the constructor of a layer
            made = Refusal(f"{node.shown}: {error}")
    for place, name in enumerate(proto.output):
        if name:
            other = Refusal(f"{values.label}: {name!r} is a further output of {proto.op_type}")
            values.set(name, other if place else made)


def _made(values: Values, node: Node, proto: Any) -> Any:
    if proto.domain not in _OWN:
        raise node.refused(f"is of the domain {proto.domain!r}; expected ONNX's own operators")
    _check_count(node, values.opset)
    if node.op == "Constant":
        return _constant(values, node, proto)
    if node.op == "Identity" and isinstance(node.input(0), np.ndarray):
        return node.input(0)
    return read_node(values.chain, node)


def _check_count(node: Node, opset: int) -> None:
    """Refuse a node with too few or too many inputs."""
    defs = package().defs
    if not defs.has(node.op):
        return
    schema = defs.get_schema(node.op, opset)
    if not schema.min_input <= len(node.inputs) <= schema.max_input:
        raise node.refused(
            f"has {len(node.inputs)} inputs; expected {schema.min_input} ... {schema.max_input}"
        )


def _constant(values: Values, node: Node, proto: Any) -> Any:
    given = node.attributes
    if "value" in given:
        return array_of(given["value"], values.label)
    if isinstance(given.get("value_float"), float):
        return np.array(given["value_float"], np.float32)
    raise node.refused("is a constant of another kind; expected an array")


def _opset(model: Any, label: str) -> int:
    """Return the version of ONNX's own operators, of a graph that may be read."""
    graph = model.graph
    if not graph.node:
        raise FileFormatError(f"{label} has no nodes; expected an ONNX graph of layers")
    if model.functions or graph.sparse_initializer:
        raise FileFormatError(
            f"{label} has {'functions of its own' if model.functions else 'sparse arrays'}; "
            "expected a graph of ONNX's own operators and of dense arrays"
        )
    if len(graph.node) > NODES:
        raise FileFormatError(
            f"{label} has {len(graph.node):,} nodes; expected at most {NODES:,}"
        )
    last = package().defs.onnx_opset_version()
    opsets = [each.version for each in model.opset_import if each.domain in _OWN]
    if not opsets or not _FIRST_OPSET <= min(opsets) <= max(opsets) <= last:
        raise FileFormatError(
            f"{label} has the opsets {opsets}; expected one in {_FIRST_OPSET} ... {last}"
        )
    return max(opsets)


def _inputs(graph: Any) -> list[Any]:
    """Return the inputs that are not constants."""
    constants = {each.name for each in graph.initializer}
    return [each for each in graph.input if each.name not in constants]


def _dtype(graph: Any, label: str) -> str:
    """Return the dtype in which the graph computes: the input's, or what it is cast to first.

    A cast of the input, or of the output, is no part of any layer; skl2onnx writes both.
    """
    found = _inputs(graph)
    kinds = {FLOAT: "float32", DOUBLE: "float64"}
    if len(found) != 1 or found[0].type.tensor_type.elem_type not in kinds:
        raise FileFormatError(
            f"{label} has the inputs {', '.join(each.name for each in found) or 'of none'}; "
            "expected a single one, of float32 or float64"
        )
    casts = {_cast_to(each) for each in graph.node if found[0].name in each.input}
    to = casts.pop() if len(casts) == 1 else None
    return kinds[to or found[0].type.tensor_type.elem_type]


def _cast_to(proto: Any) -> int | None:
    """Return the type to which a node casts numbers; None if it does something else."""
    if proto.op_type != "Cast" or proto.domain not in _OWN or len(proto.input) != 1:
        return None
    to = next((each.i for each in proto.attribute if each.name == "to"), None)
    return to if to in (FLOAT, DOUBLE) else None


def _input(graph: Any, label: str) -> tuple[str, int | None]:
    """Return the name and the width of the input."""
    (found,) = _inputs(graph)
    tensor = found.type.tensor_type
    if not tensor.HasField("shape"):
        return found.name, None
    if len(tensor.shape.dim) != 2:
        raise FileFormatError(
            f"{label}: the input {found.name!r} has {len(tensor.shape.dim)} axes; expected "
            "samples and units"
        )
    width = tensor.shape.dim[1].dim_value
    return found.name, width if width > 0 else None


def _output(graph: Any, values: Values, label: str) -> State:
    """Return the only output of numbers; labels beside it are left out."""
    found = [each for each in graph.output if each.type.tensor_type.elem_type not in _LABELS]
    if len(found) != 1:
        raise FileFormatError(
            f"{label} has {len(found)} outputs of numbers; expected one, beside labels"
        )
    name = found[0].name
    last = next((each for each in graph.node if name in each.output), None)
    state = values.get(last.input[0] if last is not None and _cast_to(last) else name)
    if isinstance(state, Refusal):
        raise FileFormatError(state.reason)
    if not isinstance(state, State):
        raise FileFormatError(f"{label}: the output {found[0].name!r} is a constant")
    return state
