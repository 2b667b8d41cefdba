"""The model as a whole: its checks, its versions, and its sizes."""

import numpy as np
import pytest

import bpx
from bpx.export.onnx import model as models
from tests.architectures import random_network, random_samples
from tests.export.onnx.runtime import agree, answers

FIRST, LAST = models.OPSETS
onnx = pytest.importorskip("onnx", reason="the exports need onnx")


@pytest.mark.parametrize("opset", range(FIRST, min(LAST, onnx.defs.onnx_opset_version()) + 1))
def test_every_opset(opset):
    for seed in range(12):
        net = random_network(seed)
        model, x = net.to_onnx(opset=opset), random_samples(net, 5, seed)
        assert model.opset_import[0].version == opset
        agree(answers(model, {"x": x})["y"], net.predict(x))


def test_an_opset_may_be_an_integer_of_numpy():
    model = bpx.Network([2, 1], seed=0).to_onnx(opset=np.int64(18))
    assert model.opset_import[0].version == 18


@pytest.mark.parametrize("opset", [FIRST - 1, LAST + 1, 17.0, True, "17"])
def test_another_opset_is_refused(opset):
    with pytest.raises(bpx.InputError, match=r"opset=.* was given; .* in 17 \.\.\. \d\d"):
        bpx.Network([2, 1], seed=0).to_onnx(opset=opset)


def test_the_model_says_who_made_it():
    model = bpx.Network([2, 1], seed=0).to_onnx()
    assert (model.producer_name, model.producer_version) == ("bpx", bpx.__version__)
    assert model.ir_version == 8  # the one of opset 17


def test_equal_networks_make_equal_files():
    one, other = (random_network(3).to_onnx().SerializeToString() for _ in range(2))
    assert one == other


def test_the_parameters_have_the_names_of_the_networks_file():
    net = bpx.Network([3, 4, 2], norm="layer", seed=0)
    names = {each.name for each in net.to_onnx().graph.initializer}
    expected = {"0.weight", "0.bias", "2.weight", "2.bias", "3.weight", "3.bias"}
    assert expected <= names


def test_what_no_file_can_hold_is_refused(monkeypatch):
    monkeypatch.setattr(models, "LARGEST", 100)
    with pytest.raises(bpx.InputError, match="has 144 bytes of parameters"):
        bpx.Network([5, 6], seed=0).to_onnx()


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_networks_elsewhere(backend):
    pytest.importorskip(backend, reason=f"{backend} is not installed")
    net = bpx.Network([3, 4, 2], backend=backend, seed=0)
    x = np.ones((2, 3), np.float32)
    agree(answers(net.to_onnx(), {"x": x})["y"], net.predict(x))
