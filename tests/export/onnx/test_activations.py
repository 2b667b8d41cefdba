"""Activations: each agrees with bpx, in its tails as well."""

import numpy as np
import pytest

import bpx
from bpx.activations import ACTIVATIONS
from bpx.export.onnx.activations import OPERATORS
from tests.export.onnx.runtime import agree, answers

TAILS = np.array([0.0, 1e-30, 1e-8, 1e-4, 0.1, 1.0, 3.0, 9.0, 20.0, 80.0, 1e3, 1e30])


def net_of(activation, dtype):
    """A network that applies an activation to each of two inputs, and nothing else."""
    net = bpx.Network([2, 2], output=activation, seed=0, dtype=dtype)
    net.parameters = [np.eye(2)], [np.zeros(2)]
    return net


@pytest.mark.parametrize("opset", [17, 20])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_it_agrees_in_the_tails(name, dtype, opset):
    z = np.concatenate([-TAILS[::-1], TAILS])
    if name == "exponential":
        z = np.minimum(z, 80.0)
    x = np.stack([z, np.zeros_like(z)], axis=1).astype(dtype)
    net = net_of(name, dtype)
    got = answers(net.to_onnx(opset=opset), {"x": x})["y"]
    expected = net.predict(x)
    assert got.dtype == expected.dtype
    tolerance = 1e-6 if dtype == "float32" else 1e-14
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_it_is_one_operator(name):
    model = net_of(name, "float32").to_onnx(opset=20)
    assert [each.op_type for each in model.graph.node][:2] == ["Gemm", OPERATORS[name].op]


def test_an_activation_of_ones_own_that_has_a_built_in_name():
    own = bpx.Elementwise("relu", lambda z: 3.0 * z, lambda z, a: 3.0)
    x = np.float32([[1.0, -2.0]])
    agree(answers(net_of(own, "float32").to_onnx(), {"x": x})["y"], 3.0 * x)


def test_a_rowwise_activation_of_ones_own():
    def sigma(z):
        xp = bpx.namespace(z)
        return z / xp.sum(xp.abs(z), axis=-1, keepdims=True)

    own = bpx.Rowwise("shares", sigma, lambda z, a, g: g)
    x = np.float32([[1.0, -3.0], [2.0, 2.0]])
    got = answers(net_of(own, "float32").to_onnx(), {"x": x})["y"]
    agree(got, np.float32([[0.25, -0.75], [0.5, 0.5]]))
