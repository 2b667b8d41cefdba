"""ONNX graphs, made node by node, as other programs write them."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="the imports need onnx")

from bpx.interop.onnx.reading import read_model  # noqa: E402 - after the skip

helper, FLOAT = onnx.helper, onnx.TensorProto.FLOAT


def node(op, *inputs, output="y", **attributes):
    return helper.make_node(op, inputs, [output], **attributes)


def model(nodes, arrays, *, width=3, outputs=(("y", FLOAT),), opset=17, dtype=FLOAT):
    """A model with the input x and these arrays; an array may be of any dtype."""
    made = [onnx.numpy_helper.from_array(np.asarray(a), name) for name, a in arrays.items()]
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", dtype, ["n", width])],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs],
        made,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def layers_of(nodes, arrays, **options):
    """The layers of a graph, and their arrays."""
    spec, parameters = read_model(model(nodes, arrays, **options), "m.onnx")
    return spec.layers, parameters.layers


def bare(net, **options):
    """The model of a network without what it says of itself: nodes alone."""
    found = net.to_onnx(**options)
    del found.metadata_props[:]
    return found
