"""A trace: what the passes computed, and the book's z, a and delta of it."""

from typing import Any, NamedTuple

import numpy as np

from bpx.layers.dense import DenseSaved
from bpx.model.trace import Backward, Forward
from tests.backends import host
from tests.peers import random_network, random_samples


class Dropped(NamedTuple):
    """What a layer saves that learns nothing."""

    a: Any


FIRST = DenseSaved("x", "z1", "a1")
LAST = DenseSaved("dropped", "z2", "a2")
MIXED = Backward((FIRST, Dropped("dropped"), LAST), ("d1", "d", "d2"))


def test_z_a_and_delta_are_of_the_dense_layers():
    assert MIXED.dense == (FIRST, LAST)
    assert MIXED.z == ("z1", "z2")
    assert MIXED.delta == ("d1", "d2")


def test_a_is_what_each_dense_layer_is_fed_and_the_output():
    assert MIXED.a == ("x", "dropped", "a2")
    ends_otherwise = Forward((FIRST, Dropped("output")))
    assert ends_otherwise.a == ("x", "output")


def test_a_forward_pass_has_no_errors_costs_or_gradients(target):
    net = random_network([4, 5, 3], target=target)
    x = target.asarray(random_samples(net)[0], "float64")
    trace = net.forward(x)
    assert type(trace) is Forward
    assert not any(hasattr(trace, name) for name in ("deltas", "delta", "cost", "gradients"))
    assert len(trace.z) == 2
    assert trace.a[0] is x


def test_of_a_network_of_dense_layers(target):
    net = random_network([4, 5, 3], target=target)
    x, y = random_samples(net)
    trace = net.backprop(target.asarray(x, "float64"), target.asarray(y, "int32"))
    a, z, delta = ([host(each) for each in those] for those in (trace.a, trace.z, trace.delta))
    assert [each.shape for each in a] == [(7, 4), (7, 5), (7, 3)]
    np.testing.assert_allclose(np.tanh(z[0]), a[1], rtol=1e-12)
    np.testing.assert_allclose(a[1] @ host(net.weights[1]).T + host(net.biases[1]), z[1])
    np.testing.assert_allclose(delta[1], a[2] - np.eye(3)[y], atol=1e-14)
    for i in range(2):
        w, b = host(trace.gradients.w[i]), host(trace.gradients.b[i])
        np.testing.assert_allclose(w, delta[i].T @ a[i] / 7, atol=1e-14)
        np.testing.assert_allclose(b, delta[i].sum(axis=0) / 7, atol=1e-14)
    assert tuple(trace.cost.shape) == (7,)


def test_it_is_shown_by_its_widths():
    net = random_network([4, 5, 3])
    x, y = random_samples(net)
    assert repr(net.backprop(x, y)) == "<bpx.Trace of 7 samples through [4, 5, 3]>"
    assert repr(net.forward(x)) == "<bpx.Forward of 7 samples through [4, 5, 3]>"
