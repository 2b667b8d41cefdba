"""Graphs as a whole: random networks come back, and other graphs are refused."""

import numpy as np
import pytest

import bpx
from bpx.interop.onnx.reading import read_model
from tests.architectures import random_network, random_samples
from tests.interop.onnx.models import FLOAT, bare, drawn, helper, model, node, onnx

W = drawn(2, 3)
GEMM = node("Gemm", "x", "w", transB=1)
DOUBLE, INT64 = onnx.TensorProto.DOUBLE, onnx.TensorProto.INT64


@pytest.mark.parametrize("opset", [17, 20])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(50))
def test_random_networks_come_back_from_their_nodes(seed, dtype, opset):
    """Without dropout, which is in no graph, they are the same, to the bit."""
    net = random_network(seed, dtype, inputs=False)
    back = bpx.from_onnx(bare(net, opset=opset))
    x = random_samples(net, 5, seed)
    assert back.home.dtype == dtype
    assert (back.predict(x) == net.predict(x)).all()
    kept = [each for each in net.spec.layers if each.kind != "dropout"]
    assert [each.kind for each in back.spec.layers] == [each.kind for each in kept]


@pytest.mark.parametrize(
    ("activation", "cost"),
    [("Softmax", "cross_entropy"), ("Sigmoid", "cross_entropy"), ("Tanh", "quadratic")],
)
def test_the_cost_follows_from_the_output(activation, cost):
    found = model(
        [node("Gemm", "x", "w", output="z", transB=1), node(activation, "z")], {"w": W}
    )
    expected = bpx.Network([3, 2], output=activation.lower(), cost=cost).spec.cost
    assert read_model(found, "m.onnx")[0].cost == expected
    assert read_model(found, "m.onnx", "mae")[0].cost == bpx.costs.mae
    with pytest.raises(bpx.InputError, match="there is no cost 'mea'"):
        read_model(found, "m.onnx", "mea")


def test_labels_beside_the_output_are_left_out():
    nodes = [GEMM, node("ArgMax", "y", output="label", axis=1)]
    found = model(nodes, {"w": W}, outputs=[("label", INT64), ("y", FLOAT)])
    assert read_model(found, "m.onnx")[0].sizes == (3, 2)


def test_constants_may_be_nodes():
    w = node("Constant", output="w", value=onnx.numpy_helper.from_array(W))
    half = node("Constant", output="half", value_float=0.01)
    z = node("Gemm", "x", "w", output="z", transB=1)
    nodes = [w, half, z, node("Mul", "half", "z", output="leak")]
    nodes += [node("Constant", output="0", value=onnx.numpy_helper.from_array(np.float32(0)))]
    nodes += [node("Greater", "z", "0", output="above"), node("Where", "above", "z", "leak")]
    spec, _ = read_model(model(nodes, {}), "m.onnx")
    assert spec.output.name == "leaky_relu"


CASTS = {
    "float32": [("x", "in", FLOAT), ("z", "y", DOUBLE)],
    "float64": [("x", "in", DOUBLE), ("z", "y", FLOAT)],
}


@pytest.mark.parametrize("given", [FLOAT, DOUBLE])
@pytest.mark.parametrize("dtype", CASTS)
def test_casts_at_the_ends_are_passed_over(dtype, given):
    """The network computes in the dtype to which the input is cast."""
    before, after = (node("Cast", a, output=b, to=to) for a, b, to in CASTS[dtype])
    nodes = [before, node("Gemm", "in", "w", output="z", transB=1), after]
    found = model(nodes, {"w": W.astype(dtype)}, dtype=given)
    _, parameters = read_model(found, "m.onnx")
    assert parameters.like.dtype == dtype
    assert (parameters.like == W).all()


def test_a_cast_between_layers_is_refused():
    nodes = [GEMM, node("Cast", "y", output="a", to=DOUBLE), node("Gemm", "a", "v", output="b")]
    found = model(nodes, {"w": W, "v": drawn(2, 2).astype("float64")}, outputs=[("b", DOUBLE)])
    with pytest.raises(bpx.FileFormatError, match="changes the type; expected float32, in whi"):
        read_model(found, "m.onnx")


def test_an_input_that_is_not_only_cast_has_its_own_dtype():
    nodes = [node("Cast", "x", output="other", to=DOUBLE), GEMM]
    assert read_model(model(nodes, {"w": W}), "m.onnx")[1].like.dtype == "float32"


def test_the_number_of_inputs_may_be_missing():
    found = model([GEMM], {"w": W}, width=None)
    assert read_model(found, "m.onnx")[0].sizes == (3, 2)
    found.graph.input[0].type.tensor_type.ClearField("shape")
    assert read_model(found, "m.onnx")[0].sizes == (3, 2)
    nodes = [node("Dropout", "x", output="a"), node("Gemm", "a", "w", transB=1)]
    with pytest.raises(bpx.FileFormatError, match="before the number of inputs is known"):
        read_model(model(nodes, {"w": W}, width=None), "m.onnx")


def without_opset(found):
    del found.opset_import[:]


def with_input(found):
    found.graph.input.append(helper.make_tensor_value_info("other", FLOAT, ["n", 1]))


def with_axes(found):
    found.graph.input[0].type.tensor_type.shape.dim.add(dim_value=3)


def without_nodes(found):
    del found.graph.node[:]


def with_function(found):
    found.functions.add(name="f")


def with_sparse(found):
    found.graph.sparse_initializer.add()


def of_another_domain(found):
    found.graph.node[0].domain = "com.example"


def with_two_outputs(found):
    found.graph.output.append(helper.make_tensor_value_info("z", FLOAT, None))


def with_constant_output(found):
    found.graph.output[0].name = "w"


def with_the_input_as_output(found):
    found.graph.output[0].name = "x"


def with_many_nodes(found):
    for _ in range(10_000):
        found.graph.node.add(op_type="Relu")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without_opset, r"m.onnx has the opsets \[\]; expected one in 7"),
        (with_input, "has the inputs x, other; expected a single one, of float32 or float64"),
        (with_axes, "the input 'x' has 3 axes; expected samples and units"),
        (without_nodes, "m.onnx has no nodes; expected an ONNX graph of layers$"),
        (with_function, "m.onnx has functions of its own; expected a graph of ONNX's own op"),
        (with_sparse, "m.onnx has sparse arrays; expected a graph of .* dense arrays$"),
        (of_another_domain, "is of the domain 'com.example'"),
        (with_two_outputs, "has 2 outputs of numbers; expected one, beside labels"),
        (with_constant_output, "the output 'w' is a constant"),
        (with_the_input_as_output, "has no layers; expected a Gemm or a MatMul"),
        (with_many_nodes, "has 10,001 nodes; expected at most 10,000"),
    ],
)
def test_other_graphs_are_refused(change, message):
    found = model([GEMM], {"w": W})
    change(found)
    with pytest.raises(bpx.FileFormatError, match=message):
        read_model(found, "m.onnx")


@pytest.mark.parametrize("opset", [6, 99])
def test_opsets(opset):
    with pytest.raises(bpx.FileFormatError, match=rf"has the opsets \[{opset}\]"):
        read_model(model([GEMM], {"w": W}, opset=opset), "m.onnx")


def test_further_outputs_are_refused_where_they_are_used():
    dropout = helper.make_node("Dropout", ["x"], ["a", "mask"])
    nodes = [dropout, node("Gemm", "mask", "w", transB=1)]
    with pytest.raises(bpx.FileFormatError, match="'mask' is a further output of Dropout"):
        read_model(model(nodes, {"w": W}), "m.onnx")


def test_integers_are_no_input():
    with pytest.raises(bpx.FileFormatError, match="has the inputs x; expected a single one"):
        read_model(model([GEMM], {"w": W}, dtype=INT64), "m.onnx")
