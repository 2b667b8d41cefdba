"""Predictions of recurring calls on PyTorch: the bits of the passes, in new tensors."""

import numpy as np
import pytest

import bpx
from bpx.model.outputs import _Outputs

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("hidden", ["relu", "tanh", "gelu_tanh", "softplus", "elu", "silu"])
@pytest.mark.parametrize("n", [1, 33])
def test_the_bits_are_those_of_the_passes(hidden, n):
    from bpx_backends.engines.torch.answers import bound

    how = {"hidden": hidden, "output": "softmax", "norm": "layer", "backend": "torch:cpu"}
    net = bpx.Network([17, 64, 10, 3], cost="cross_entropy", seed=0, **how)
    x = np.random.default_rng(n).standard_normal((n, 17)).astype("float32")
    run = bound(_Outputs(net.spec), net.parameters, torch.from_numpy(x))
    found = []
    for each in (x, x + 1.0):
        found.append(run(torch.from_numpy(each)))
        expected = net.forward(torch.from_numpy(each)).a[-1]
        np.testing.assert_array_equal(found[-1].numpy(), expected.numpy())
    assert found[0].data_ptr() != found[1].data_ptr()
