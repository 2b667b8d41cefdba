"""A network as an ONNX model: its columns, its layers, and its answers, in one graph."""

from typing import Any

from bpx._validate import whole
from bpx.arrays.transfer import to_host
from bpx.data import Schema
from bpx.errors import InputError
from bpx.export.onnx.answers import Answer, write_answers
from bpx.export.onnx.columns import ML_OPSET, input_type, write_columns
from bpx.export.onnx.graph import Graph
from bpx.export.onnx.layers import write_layers
from bpx.export.onnx.package import package
from bpx.export.texts import check_texts
from bpx.io.layers import named, parameters_of
from bpx.model.parameters import Parameters
from bpx.model.spec import Spec

__all__ = ["LARGEST", "METADATA", "OPSETS", "described", "model_of"]

METADATA = "bpx"
"""The key of a network's description, as `Network.save` writes it, in ``metadata_props``."""
OPSETS = 17, 25
"""The first opset with LayerNormalization, and the last that exports are tested with."""
LARGEST = 2**31 - 2**20
"""The most bytes that a model's arrays may have: protobuf holds two gigabytes."""


def model_of(
    spec: Spec,
    parameters: Parameters,
    schema: Schema | None,
    opset: int,
    version: str,
) -> Any:
    """Return a network as a ModelProto: see `bpx.Network.to_onnx`.

    Parameters
    ----------
    spec : Spec
    parameters : Parameters
        On any backend.
    schema : Schema or None
    opset : int
    version : str
        That of bpx.

    Raises
    ------
    BackendError
        If onnx is not installed.
    InputError
        If the opset is out of range, the network is too large, or a part has no form in ONNX.
    """
    opset = _checked_opset(opset)
    if schema is not None:
        check_texts(schema)
    arrays = {name: to_host(array) for name, array in named(spec, parameters)}
    _check_size(sum(array.nbytes for array in arrays.values()))
    features = () if schema is None else schema.features
    graph = Graph(opset, to_host(parameters.like).dtype, [each.name for each in features])
    x = graph.reserve("x") if schema is None else write_columns(graph, features)
    names = {name: graph.initializer(name, array) for name, array in arrays.items()}
    a = write_layers(graph, spec, list(parameters_of(spec, names).layers), x)
    target = None if schema is None else schema.target
    answers = write_answers(graph, spec, target, a)
    if schema is None:
        inputs = [Answer(x, _type(graph.dtype), (spec.sizes[0],))]
    else:
        inputs = [Answer(each.name, input_type(each), (1,)) for each in features]
    return _proto(graph, inputs, answers, version)


def described(model: Any, text: str) -> Any:
    """Add the description of a network to its model, have onnx check it, and return it."""
    onnx = package()
    onnx.helper.set_model_props(model, {METADATA: text})
    onnx.checker.check_model(model, full_check=True)
    return model


def _proto(graph: Graph, inputs: list[Answer], outputs: list[Answer], version: str) -> Any:
    onnx = package()
    helper, (nodes, arrays) = onnx.helper, graph.protos()
    ends = [
        [
            helper.make_tensor_value_info(each.name, each.type, ["n", *each.shape])
            for each in those
        ]
        for those in (inputs, outputs)
    ]
    domains = {node.domain for node in graph.nodes}
    opsets = [helper.make_opsetid("", graph.opset)]
    opsets += [helper.make_opsetid(each, ML_OPSET) for each in sorted(domains - {""})]
    return helper.make_model(
        helper.make_graph(nodes, "network", *ends, arrays),
        opset_imports=opsets,
        # The newest version that onnx knows would be refused by older runtimes.
        ir_version=helper.find_min_ir_version_for(opsets),
        producer_name="bpx",
        producer_version=version,
    )


def _type(dtype: Any) -> Any:
    return package().helper.np_dtype_to_tensor_dtype(dtype)


def _checked_opset(opset: Any) -> int:
    first, last = OPSETS
    last = min(last, package().defs.onnx_opset_version())
    return whole("opset", opset, first, last, f"a whole number in {first} ... {last}")


def _check_size(nbytes: int) -> None:
    if nbytes > LARGEST:
        raise InputError(
            f"the network has {nbytes:,} bytes of parameters, but an ONNX file holds at most "
            f"{LARGEST:,}; expected a smaller network, or float32"
        )
