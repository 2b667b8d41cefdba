"""Which functions of z are which activations."""

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the imports need onnx")

from bpx.activations import ACTIVATIONS
from bpx.interop.onnx.forms import Forms


def test_every_activation_is_known():
    forms = Forms("float32")
    assert {*forms.known.values()} == {*ACTIVATIONS}
    assert forms.known[forms.z] == "identity"


def test_equal_functions_have_equal_numbers():
    forms = Forms("float32")
    half = np.array(0.5, np.float32)
    one = forms.number("Mul", {}, [forms.z, half])
    assert one == forms.number("Mul", {}, [np.array(0.5), forms.z])
    assert one != forms.number("Div", {}, [forms.z, half])
    assert forms.number("Div", {}, [half, forms.z]) != forms.number("Div", {}, [forms.z, half])
    assert one != forms.number("Mul", {}, [forms.z, np.array(0, np.int64)])


@pytest.mark.parametrize(
    ("op", "attributes", "name"),
    [
        ("LeakyRelu", {}, "leaky_relu"),
        ("LeakyRelu", {"alpha": float(np.float32(0.01))}, "leaky_relu"),
        ("LeakyRelu", {"alpha": 0.2}, None),
        ("Elu", {"alpha": 1.0}, "elu"),
        ("Elu", {"alpha": 2.0}, None),
        ("Softmax", {"axis": 1}, "softmax"),
        ("Softmax", {"axis": 0}, None),
        ("Gelu", {"approximate": b"tanh"}, "gelu_tanh"),
        ("Gelu", {}, None),
        ("Relu", {"own": b"\xff"}, None),
    ],
)
def test_attributes(op, attributes, name):
    forms = Forms("float32")
    assert forms.known.get(forms.number(op, attributes, [forms.z])) == name
