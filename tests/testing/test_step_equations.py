"""Each equation that differs is named, at its layer, and no other."""

import pytest

import bpx
from tests.testing.pairs import network, on_strict, parting


def test_a_sigma_that_differs_on_one_library():
    def sigma(z):
        return bpx.namespace(z).tanh(z) + (1e-3 if on_strict(z) else 0.0)

    odd = bpx.Elementwise("odd", sigma, lambda z, a: 1.0 - a * a)
    net = network(activations=["tanh", odd, "softmax"])
    found = parting(net, steps=5)
    assert found[:3] == (1, 2, "a")
    assert found.difference == pytest.approx(1e-3, rel=1e-3)
    assert found.allowed < 1e-4


@pytest.mark.parametrize("layer", [1, 2])
def test_a_sigma_prime_that_differs_on_one_library_is_bp2(layer):
    def prime(z, a):
        return (1.0 - a * a) * (1.01 if on_strict(z) else 1.0)

    names = ["tanh", "tanh", "softmax"]
    names[layer - 1] = bpx.Elementwise("odd", bpx.activations.tanh.sigma, prime)
    assert parting(network(activations=names), steps=5)[:3] == (1, layer, "BP2")


def test_a_delta_that_differs_on_one_library_is_bp1():
    plain = bpx.costs.quadratic
    odd = bpx.Cost("odd", plain.value, lambda a, y: (a - y) * (1.01 if on_strict(a) else 1.0))
    net = network(output="tanh", cost=odd)
    assert parting(net, steps=5)[:3] == (1, 3, "BP1")


def test_a_value_that_differs_on_one_library_is_the_cost():
    plain = bpx.costs.quadratic
    odd = bpx.Cost("odd", lambda a, y: plain.value(a, y) + 0.01 * on_strict(a), plain.grad_a)
    net = network(output="tanh", cost=odd)
    assert parting(net, steps=5)[:3] == (1, 3, "C")


@pytest.mark.parametrize(
    ("name", "equation", "layer"), [("forward", "z", 1), ("bp3", "BP3", 3), ("bp4", "BP4", 3)]
)
def test_products_and_sums_that_differ_on_one_library(monkeypatch, name, equation, layer):
    from bpx import equations
    from bpx.model import passes

    right = getattr(equations, name)

    def odd(*arrays):
        return right(*arrays) * (1.001 if on_strict(arrays[-1]) else 1.0)

    monkeypatch.setattr(equations, name, odd)
    if hasattr(passes, name):
        monkeypatch.setattr(passes, name, odd)
    assert parting(network(), steps=5)[:3] == (1, layer, equation)


def odd_update(gradients, state, parameters):
    updates, state = bpx.SGD(0.1).update(gradients, state, parameters)
    if not on_strict(updates.w[1]):
        return updates, state
    w = (updates.w[0], updates.w[1] + 1e-4, *updates.w[2:])
    return bpx.Gradients.dense(w, updates.b), state


def odd():
    return bpx.optim.Transformation(bpx.SGD(0.1).init, odd_update)


def test_an_update_that_differs_on_one_library():
    found = parting(network(), optimizer=odd(), steps=5)
    assert found[:3] == (1, 2, "update")
    assert found.difference == pytest.approx(1e-4, rel=1e-3)
