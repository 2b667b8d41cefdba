"""Predictions of recurring calls on NumPy: products as the operator computes them."""

import numpy as np
import pytest

import bpx
from bpx.model.outputs import _Outputs
from bpx_backends.engines.numpy.answers import bound


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [1, 2, 33])
def test_the_bits_are_those_of_the_operators(dtype, n):
    net = bpx.Network([17, 64, 10, 1], hidden="tanh", seed=0, dtype=dtype, backend="numpy")
    x = np.random.default_rng(n).standard_normal((n, 17)).astype(dtype)
    run = bound(_Outputs(net.spec), net.parameters, x)
    for each in (x, x[::-1]):
        expected = net.forward(np.ascontiguousarray(each)).a[-1]
        np.testing.assert_array_equal(run(each), expected)
