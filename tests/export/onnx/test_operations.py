"""Recorded operations: every one that has an ONNX operator, and refusals of the others."""

import numpy as np
import pytest

import bpx
from bpx.export.onnx.operations import OPERATIONS
from tests.export.onnx.runtime import agree, answers


def function(name):
    """A function of z, in whose interval all of them are defined, that uses an operation."""

    def sigma(z):
        xp = bpx.namespace(z)
        u = 1.0 / (1.0 + xp.exp(-z))  # in (0, 1)
        low, high = z < 0.3, z >= -0.2
        special = {
            "acosh": lambda: xp.acosh(1.0 + u),
            "astype": lambda: xp.astype(low, z.dtype) + u,
            "equal": lambda: xp.where(xp.sign(z) == 1.0, u, z),
            "full": lambda: xp.zeros_like(z) + 2.0,
            "isinf": lambda: xp.where(xp.isinf(1.0 / xp.maximum(z, 0.0)), u, z),
            "isnan": lambda: xp.where(xp.isnan(xp.log(xp.sign(z))), u, z),
            "logical_not": lambda: xp.where(xp.logical_not(low), u, z),
            "logical_and": lambda: xp.where(xp.logical_and(low, high), u, z),
            "logical_or": lambda: xp.where(xp.logical_or(low, high), u, z),
            "logical_xor": lambda: xp.where(xp.logical_xor(low, high), u, z),
            "not_equal": lambda: xp.where(xp.sign(z) != 1.0, u, z),
            "pow": lambda: u**1.5,
            "where": lambda: xp.where(low, u, 0.25),
        }
        compared = ("greater", "greater_equal", "less", "less_equal")
        if name in special:
            return special[name]()
        if name in compared:
            return xp.where(getattr(xp, name)(u, 0.5), u, z)
        if name in ("max", "mean", "min", "prod", "sum"):
            return u * getattr(xp, name)(u, axis=-1, keepdims=True)
        binary = ("add", "divide", "maximum", "minimum", "multiply", "subtract")
        found = getattr(xp, name)
        return found(u, z * z + 1.0) if name in binary else found(u)

    return sigma


SINGLE = ("acos", "acosh", "asin", "asinh", "atan", "atanh", "cosh", "sinh", "tan")
"""What onnxruntime computes in float32 alone."""


@pytest.mark.parametrize("opset", [17, 18])
@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_each_operation(name, opset):
    own = bpx.Elementwise("own", function(name), lambda z, a: z)
    dtype = "float32" if name in SINGLE else "float64"
    net = bpx.Network([3, 6, 2], hidden=own, output="identity", seed=0, dtype=dtype)
    x = np.random.default_rng(0).normal(size=(50, 3)).astype(dtype)
    with np.errstate(all="ignore"):
        expected = net.predict(x)
    got = answers(net.to_onnx(opset=opset), {"x": x})
    agree(got["y"], expected, 1e-5 if dtype == "float32" else 1e-12)


def test_a_constant_activation_has_the_shape_of_z():
    own = bpx.Elementwise("own", lambda z: bpx.namespace(z).ones_like(z), lambda z, a: z)
    net = bpx.Network([3, 2, 4], hidden=own, output=own, seed=0)
    x = np.ones((5, 3), np.float32)
    assert (answers(net.to_onnx(), {"x": x})["y"] == np.ones((5, 4))).all()


@pytest.mark.parametrize(
    ("sigma", "message"),
    [
        (lambda z: np.sin(z), "'own' cannot be exported: a NumPy function|NumPy's sin"),
        (lambda z: z % 2.0, "it uses 'remainder', for which bpx writes no ONNX operator"),
        (lambda z: z - bpx.namespace(z).mean(z, axis=-2, keepdims=True), "it uses 'mean'"),
        (lambda z: z - bpx.namespace(z).mean(z), "it uses 'mean'"),
        (lambda z: bpx.namespace(z).sum(z, axis=-1, keepdims=True), "expected the same shape"),
    ],
)
def test_what_cannot_be_exported_is_refused(sigma, message):
    own = bpx.Elementwise("own", sigma, lambda z, a: z)
    net = bpx.Network([3, 2, 4], hidden=own, seed=0)
    with pytest.raises(bpx.InputError, match=message):
        net.to_onnx()
