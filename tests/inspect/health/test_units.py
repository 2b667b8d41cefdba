"""Which units hardly learn, against loops over samples and units."""

import math

import numpy as np
import pytest

import bpx
from bpx import inspect
from tests.backends import host
from tests.inspect.health.test_measures import wide
from tests.peers import random_network, random_samples

PRIMES = {
    "identity": lambda z: 1.0,
    "tanh": lambda z: 1.0 / math.cosh(z) ** 2,
    "sigmoid": lambda z: math.exp(-abs(z)) / (1.0 + math.exp(-abs(z))) ** 2,
    "relu": lambda z: float(z > 0.0),
    "leaky_relu": lambda z: 1.0 if z > 0.0 else 0.01,
    "elu": lambda z: 1.0 if z > 0.0 else math.exp(z),
}
"""sigma', written once more."""


@pytest.mark.parametrize("hidden", PRIMES)
@pytest.mark.parametrize("share", [0.05, 0.3])
def test_saturation(hidden, share):
    net = wide(hidden)
    x, y = random_samples(net, 20)
    trace = net.backprop(x, y)
    *layers, last = inspect.saturation(net.spec, trace, share=share)
    greatest = 0.25 if hidden == "sigmoid" else 1.0
    for found, z in zip(layers, trace.z[:-1], strict=True):
        low = [[abs(PRIMES[hidden](v)) < share * greatest for v in row] for row in z]
        np.testing.assert_allclose(found, np.mean(low, axis=0), rtol=1e-15)
    assert last is None  # softmax
    if hidden in ("sigmoid", "tanh"):
        assert 0.0 < np.mean(layers[0]) < 1.0


def test_the_greatest_derivative_may_be_above_one():
    """Of gelu_tanh it is 1.13: just below a 1.1th of that, sigma'(z) = 1 counts as low."""
    net = random_network([1, 1, 2], "gelu_tanh")
    net.parameters = [np.eye(1), net.weights[1]], [np.zeros(1), net.biases[1]]
    trace = net.forward(np.array([[7.0], [1.3]]))  # where sigma' is 1.00 and 1.13
    assert inspect.saturation(net.spec, trace, share=0.95)[0].tolist() == [0.5]
    assert inspect.saturation(net.spec, trace, share=0.85)[0].tolist() == [0.0]


def test_which_activations_saturate_at_both_ends():
    names = [name for name in bpx.activations.ACTIVATIONS if name != "softmax"]
    net = bpx.Network([2] * (len(names) + 2), activations=[*names, "softmax"], seed=0)
    found = inspect.two_sided(net.spec, net.weights[0])
    assert [n for n, two in zip(names, found, strict=False) if two] == ["sigmoid", "tanh"]
    assert not found[-1]


def test_dead_units():
    net = random_network([4, 5, 4, 3], "relu")
    x, y = random_samples(net, 200)
    b = [np.array(each) for each in net.biases]
    b = [each + 5.0 for each in b]  # all of them on
    b[0][[1, 3]], b[1][2] = -50.0, -50.0
    net.parameters = net.weights, b
    trace = net.backprop(x, y)
    found = inspect.dead_units(net.spec, trace)
    assert [set(np.flatnonzero(each)) for each in found] == [{1, 3}, {2}, set()]
    for mask, gradient in zip(found, trace.gradients.w, strict=True):
        assert not gradient[mask].any()


def test_what_has_no_derivative_is_dead_where_it_is_zero():
    net = random_network([3, 4, 2], "softmax")
    b = np.array([0.0, -2000.0, 0.0, 0.0])
    net.parameters = net.weights, (b, net.biases[1])
    x, y = random_samples(net)
    assert inspect.dead_units(net.spec, net.forward(x))[0].tolist() == [0, 1, 0, 0]
    assert not net.backprop(x, y).gradients.w[0][1].any()


def test_input_sizes():
    net = random_network([4, 5, 3], "relu")
    x, _ = random_samples(net, 9)
    x[:, 0] = 0.0
    x[::2, 1] = 0.0  # seldom on, and not small
    x[:, 2] *= 1e-4
    found = inspect.input_sizes(net.forward(x))
    for sizes, a in zip(found, net.forward(x).a[:-1], strict=True):
        on = [[v for v in column if v != 0.0] for column in a.T]
        expected = [math.sqrt(sum(v * v for v in c) / len(c)) if c else 0.0 for c in on]
        np.testing.assert_allclose(sizes, expected, rtol=1e-12)


def test_on_every_backend(target):
    net, there = wide("tanh", target=target), wide("tanh")
    x, _ = random_samples(net)
    trace, expected = net.forward(target.asarray(x, "float64")), there.forward(x)
    found = (
        inspect.two_sided(net.spec, trace.a[0]),
        *inspect.saturation(net.spec, trace)[:-1],
        *inspect.dead_units(net.spec, trace),
        *inspect.input_sizes(trace),
    )
    wanted = (
        inspect.two_sided(there.spec, expected.a[0]),
        *inspect.saturation(there.spec, expected)[:-1],
        *inspect.dead_units(there.spec, expected),
        *inspect.input_sizes(expected),
    )
    for mine, its in zip(found, wanted, strict=True):
        assert net.home.owns(mine)
        np.testing.assert_allclose(host(mine), its, rtol=1e-9)
    assert inspect.saturation(net.spec, trace)[-1] is None
