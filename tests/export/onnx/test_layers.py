"""Layers of every kind, in random networks: bpx and onnxruntime agree."""

from dataclasses import dataclass

import numpy as np
import pytest

import bpx
from tests.architectures import random_network, random_samples
from tests.export.onnx.runtime import agree, answers


@pytest.mark.parametrize("seed", range(200))
def test_200_random_networks(seed):
    net = random_network(seed)
    x = random_samples(net, 9, seed)
    got = answers(net.to_onnx(), {"x": x})
    agree(got["y"], net.predict(x), 1e-5)


@pytest.mark.parametrize("seed", range(30))
def test_random_networks_in_float64(seed):
    """Their norms' epsilon is a float32 in any ONNX file: an error of 1e-13."""
    net = random_network(seed, "float64")
    x = random_samples(net, 9, seed)
    agree(answers(net.to_onnx(), {"x": x})["y"], net.predict(x), 1e-8)


def test_codes_between_and_outside_of_the_whole_numbers():
    layer = bpx.Embedding(3, [0, 2], [4, 2], dim=2)
    net = bpx.Network([layer, bpx.Dense(layer.n_out, 3, "identity")], seed=0)
    codes = np.array([-7.0, -0.5, 0.4, 0.5, 0.6, 1.49, 1.5, 2.9, 3.2, 3.5, 99.0, 1e20])
    x = np.stack([codes, codes, codes[::-1]], axis=1).astype(np.float32)
    x[:, 1] = np.linspace(-1.0, 1.0, len(codes))
    agree(answers(net.to_onnx(), {"x": x})["y"], bpx.forward(net.spec, net.parameters, x).a[-1])


def test_there_may_be_no_samples():
    layer = bpx.Embedding(2, [0], [4], dim=2)
    net = bpx.Network([layer, bpx.Dense(3, 2, "tanh")], seed=0)
    got = answers(net.to_onnx(), {"x": np.zeros((0, 2), np.float32)})
    assert got["y"].shape == (0, 2)


def test_a_kind_of_ones_own_is_refused():
    @dataclass(frozen=True)
    class Mine(bpx.Dropout):
        kind = "mine"

    net = bpx.Network([bpx.Dense(3, 4, "tanh"), Mine(4, 0.1), bpx.Dense(4, 1, "tanh")], seed=0)
    with pytest.raises(bpx.InputError, match=r"layer 2, .*Mine.* cannot be exported to ONNX"):
        net.to_onnx()
