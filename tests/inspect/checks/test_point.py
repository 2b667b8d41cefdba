"""Where a network is checked: what Dense layers saved, whatever runs between them."""

import numpy as np

import bpx
from bpx.arrays.home import select
from bpx.inspect.checks.draws import Draws
from bpx.inspect.checks.point import Point, moved
from bpx.model.run import saved
from bpx.program.contract import leaves
from tests.extending.rms_norm import RMSNorm


def point():
    dense = bpx.Dense(4, 5, bpx.activations.tanh), bpx.Dense(5, 2, bpx.activations.sigmoid)
    net = bpx.Network([dense[0], RMSNorm(5), dense[1]], seed=0, dtype="float64")
    x = np.random.default_rng(0).standard_normal((3, 4))
    layers = saved(net.spec, net.parameters, x)
    draws = Draws(select("numpy", "float64"), 0)
    return Point(net.spec, net.parameters, x, np.ones((3, 2)), layers, (), draws, 1e-6)


def test_a_dense_layers_own_output_is_not_what_the_next_is_fed():
    at = point()
    assert at.depth == 2
    assert at.own(1).a is at.layers[0].a
    assert at.a[1] is at.layers[1].a
    assert at.meets(1)
    assert at.sigma(2) == bpx.activations.sigmoid


def test_arrays_move_along_a_direction():
    at = point()
    way = bpx.optim.mapped(np.ones_like, at.parameters)
    for p, q in zip(leaves(at.parameters), leaves(moved(at.parameters, way, 0.5)), strict=True):
        np.testing.assert_allclose(q, p + 0.5)
