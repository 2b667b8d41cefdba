"""Networks that bpx has exported come back whole; what a file only claims is not believed."""

import json

import numpy as np
import pytest

import bpx
from bpx.interop.onnx import own
from tests.architectures import random_network, random_samples
from tests.export.onnx.tables import made
from tests.interop.onnx.models import onnx


def read(model, custom=None):
    return own.read_own(model, "m.onnx", custom or {})


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(100))
def test_random_networks_come_back_whole(seed, dtype):
    net = random_network(seed, dtype)
    back = bpx.from_onnx(net.to_onnx().SerializeToString())
    assert back.spec == net.spec
    assert (back.seed, back.home.dtype) == (net.seed, dtype)
    x = random_samples(net, 4, seed)
    assert (back.predict(x) == net.predict(x)).all()


@pytest.mark.parametrize("categories", ["one-hot", "codes"])
def test_the_schema_comes_back(categories):
    net, found = made("kind", "price", categories=categories)
    back = bpx.from_onnx(net.to_onnx(opset=21))
    assert back.schema == net.schema
    assert (back.predict(found) == net.predict(found)).all()


def test_a_feedback_does_not():
    net = bpx.Network([3, 4, 2], feedback="fa", seed=0)
    assert bpx.from_onnx(net.to_onnx()).spec == net.spec.by_transpose()


def test_parts_of_ones_own_are_given():
    mish = bpx.Elementwise("mish", lambda z: z * bpx.namespace(z).tanh(z), lambda z, a: z)
    net = bpx.Network([3, 4, 2], hidden=mish, seed=0)
    model = net.to_onnx()
    assert read(model, {"mish": mish}).spec == net.spec
    with pytest.raises(bpx.InputError, match=r"m.onnx uses the custom part 'mish'; pass"):
        read(model)
    other = bpx.Elementwise("mish", lambda z: 2.0 * z, lambda z, a: 2.0)
    assert read(model, {"mish": other}) is None


def network():
    layers = [bpx.Embedding(3, [1], [4], dim=2), bpx.Dense(4, 2, "tanh")]
    return bpx.Network(layers, seed=0)


def described(change):
    """A model whose description of the network is another one."""
    model = network().to_onnx()
    text = json.loads(model.metadata_props[0].value)
    change(text)
    model.metadata_props[0].value = json.dumps(text)
    return model


def wider(text):
    text["layers"][0]["n_in"] = 10**9


def of_another_activation(text):
    text["activations"] = ["relu"]


def of_more_layers(text):
    text["layers"].insert(1, text["layers"][1])


def with_a_schema(text):
    text["schema"] = {"features": []}


def of_other_levels(text):
    text["layers"][0]["levels"] = [5]


def with_many_layers(text):
    text["layers"] = 5


CHANGES = [wider, of_another_activation, of_more_layers, with_a_schema, of_other_levels]


@pytest.mark.parametrize("change", [*CHANGES, with_many_layers])
def test_a_description_that_does_not_fit_is_not_believed(change):
    assert read(described(change)) is None


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "[" * 100_000, "{" * 9, "\ud800".encode("utf8", "replace").decode()],
)
def test_what_is_no_description(text):
    model = network().to_onnx()
    model.metadata_props[0].value = text
    assert read(model) is None


def test_a_long_description_is_not_read(monkeypatch):
    assert read(network().to_onnx()) is not None
    monkeypatch.setattr(own, "LONGEST", 100)
    assert read(network().to_onnx()) is None


def test_a_schema_whose_tables_the_file_cannot_hold_is_not_believed():
    net, _ = made("kind", "price")
    model = net.to_onnx()
    text = json.loads(model.metadata_props[0].value)
    colours = next(f for f in text["schema"]["features"] if f["name"] == "colour")
    colours["levels"] = [f"{i}" for i in range(5_000)]
    model.metadata_props[0].value = json.dumps(text)
    assert read(model) is None


def test_other_weights_in_the_graph_are_those_of_the_network():
    net = network()
    model = net.to_onnx()
    for tensor in model.graph.initializer:
        if tensor.name == "1.weight":
            tensor.CopyFrom(
                onnx.numpy_helper.from_array(np.ones((2, 4), np.float32), tensor.name)
            )
    assert (read(model).parameters.w[0] == 1.0).all()


def test_another_node_in_the_graph_makes_it_another_model():
    model = network().to_onnx()
    (tanh,) = (each for each in model.graph.node if each.op_type == "Tanh")
    tanh.op_type = "Relu"
    assert read(model) is None
    with pytest.raises(bpx.FileFormatError, match=r"\(Gather\) has no counterpart in bpx"):
        bpx.from_onnx(model)
