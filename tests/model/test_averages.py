"""Parameters that are averaged: None for the optimizer, and replaced after the update."""

import numpy as np

import bpx
from bpx.layers import Context
from bpx.model.averages import averaged, learnable
from bpx.program.contract import leaves

NET = bpx.Network([3, 4, 2], norm="batch", seed=0, backend="numpy", dtype="float64")
PLAIN = bpx.Network([3, 4, 2], norm="layer", seed=0, backend="numpy", dtype="float64")


def test_what_is_averaged_is_none():
    found = learnable(NET.spec, NET.parameters)
    assert type(found) is bpx.Parameters
    entry, own = found.layers[1], NET.parameters.layers[1]
    assert (entry.mean, entry.variance) == (None, None)
    assert entry.gamma is own.gamma
    assert found.layers[0] is NET.parameters.layers[0]
    gradients = bpx.Gradients(NET.parameters.layers)
    assert type(learnable(NET.spec, gradients)) is bpx.Gradients
    assert own.mean is not None


def test_networks_without_such_layers_are_given_back():
    assert learnable(PLAIN.spec, PLAIN.parameters) is PLAIN.parameters
    other = bpx.Parameters(PLAIN.parameters.layers)
    assert averaged(PLAIN.spec, PLAIN.parameters, other, (1, 2, 3)) is other


def test_after_the_update_they_are_the_layers():
    doubled = bpx.optim.mapped(lambda p: 2.0 * p, learnable(NET.spec, NET.parameters))
    still = averaged(NET.spec, NET.parameters, doubled)
    assert still.layers[1].mean is NET.parameters.layers[1].mean
    np.testing.assert_array_equal(still.layers[1].gamma, 2.0)
    layer, x = NET.spec.layers[1], np.random.default_rng(0).standard_normal((5, 4))
    saved = layer.forward(NET.parameters.layers[1], x, Context(True))
    moved = averaged(NET.spec, NET.parameters, doubled, (None, saved, None))
    np.testing.assert_allclose(moved.layers[1].mean, 0.1 * x.mean(axis=0), rtol=1e-12)
    np.testing.assert_array_equal(moved.layers[1].gamma, 2.0)
    assert len(list(leaves(moved))) == len(list(leaves(NET.parameters)))
