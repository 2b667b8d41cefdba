"""The passes differentiated once: against differences of the passes themselves."""

import numpy as np
import pytest

import bpx
from bpx.inspect.curvature.moved import moved_gradients, pushed
from tests.peers import close, random_network, random_samples

H = 1e-5


def given():
    net = random_network([5, 6, 4, 3])
    x, y = random_samples(net)
    rng = np.random.default_rng(0)
    v = bpx.optim.mapped(lambda p: rng.standard_normal(p.shape), net.parameters)
    return net, x, y, v, rng.standard_normal(x.shape)


def at(net, v, t):
    moved = bpx.optim.mapped(lambda p, q: p + t * q, net.parameters, v)
    return bpx.Network.from_arrays(net.spec, moved, net.home)


@pytest.mark.parametrize("inputs", [False, True])
def test_as_parameters_and_inputs_move(inputs):
    net, x, y, v, u = given()
    trace = net.backprop(x, y)
    moved = pushed(net.spec, net.parameters, trace, v, u if inputs else None)
    found = moved_gradients(net.spec, net.parameters, trace, v, moved, np.eye(3)[y], 1 / len(x))
    up, down = (at(net, v, t).backprop(x + inputs * t * u, y) for t in (H, -H))
    for i in range(3):
        close(moved[i].z, (up.z[i] - down.z[i]) / (2.0 * H), 1e-8)
        close(found.w[i], (up.gradients.w[i] - down.gradients.w[i]) / (2.0 * H), 1e-7)
        close(found.b[i], (up.gradients.b[i] - down.gradients.b[i]) / (2.0 * H), 1e-7)


def test_inputs_that_stand_still_are_written_none():
    net, x, y, v, u = given()
    trace = net.backprop(x, y)
    still = pushed(net.spec, net.parameters, trace, v, 0.0 * u)
    for one, other in zip(pushed(net.spec, net.parameters, trace, v), still, strict=True):
        close(one.z, other.z)
