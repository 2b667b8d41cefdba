"""Inputs of another shape: the expression that is advised has the shape that was expected."""

import numpy as np
import pytest

import bpx
from bpx.model.shapes import shape_advice

ADVISED = {
    "images": ((5, 2, 3), 6, "x.reshape(len(x), -1)"),
    "images with a channel": ((5, 1, 2, 3), 6, "x.reshape(len(x), -1)"),
    "one column each": ((5, 6, 1), 6, "x.reshape(len(x), -1)"),
    "one input": ((5,), 1, "x[:, None]"),
    "one sample": ((6,), 6, "x[None, :]"),
    "columns": ((6, 5), 6, "x.T"),
}


@pytest.mark.parametrize("case", ADVISED)
@pytest.mark.parametrize("as_list", [False, True])
def test_the_advice_works(case, as_list):
    shape, width, code = ADVISED[case]
    x = np.random.default_rng(0).random(shape)
    x = x.tolist() if as_list else x
    code = code if not as_list else code.replace("x", "np.asarray(x)", 1)
    net = bpx.Network([width, 2], seed=0)
    with pytest.raises(bpx.InputError, match="expected") as refused:
        net.predict(x)
    assert str(refused.value).endswith(f": {code}") or str(refused.value).endswith(f" {code}")
    net.predict(eval(code, {"x": x, "np": np}))


def test_forward_says_the_same():
    net = bpx.Network([6, 2], seed=0, dtype="float64", backend="numpy")
    with pytest.raises(bpx.InputError, match=r"x\.reshape\(len\(x\), -1\)"):
        net.forward(np.ones((5, 2, 3)))
    with pytest.raises(bpx.InputError, match=r"x\[None, :\]"):
        net.forward(np.ones(6))


@pytest.mark.parametrize("shape", [(5,), (7,), (1,), (0,), (5, 5), (5, 2, 2), ()])
def test_nothing_is_advised_where_nothing_fits(shape):
    """A single sample of another width, say, is none of this network's."""
    assert shape_advice(np.ones(shape), shape, 6, "x") == ""
    with pytest.raises(bpx.InputError) as refused:
        bpx.Network([6, 2], seed=0).predict(np.ones(shape))
    assert str(refused.value).endswith("one sample per row")


def test_what_is_called_otherwise_is_x_in_code():
    assert shape_advice(np.ones(5), (5,), 1, "validation x") == ": x[:, None]"
