"""Each equation that differs is named, at its layer, and no other."""

import numpy as np
import pytest

import bpx
from bpx.program.contract import leaves
from bpx.testing.lockstep import Side, Start
from bpx.testing.step_equations import equations_of, layer_of
from bpx.training.step import Data
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


def taken(**settings):
    """A step that NumPy took, and its equations."""
    net = network(dtype="float64", **settings)
    rng = np.random.default_rng(0)
    start = Start(net.parameters, net.feedback, Data(rng.random((8, 6)), np.arange(8) % 3), 4)
    run = Side(net.spec, bpx.SGD(0.5), net.home, "numpy", start)
    run.take(np.array([[5, 0, 2, 2]], "int32"))
    return run, list(equations_of(run.step, run.taken))


@pytest.mark.parametrize("feedback", ["transpose", "dfa"])
def test_a_step_is_its_equations_in_order(feedback):
    _, equations = taken(feedback=feedback)
    forward = [(name, layer) for layer in (1, 2, 3) for name in ("z", "a")]
    back = [("C", 3), ("BP1", 3), ("BP2", 2), ("BP2", 1)]
    sums = [(name, layer) for layer in (3, 2, 1) for name in ("BP3", "BP4")]
    found = [(each.name, each.layer) for each in equations]
    assert found == [*forward, *back, *sums, ("update", None)]


@pytest.mark.parametrize("feedback", ["transpose", "brsf", "kp"])
def test_computed_once_more_an_equation_gives_what_it_gave(feedback):
    _, equations = taken(feedback=feedback)
    for each in equations:
        again = leaves(each.compute(*each.inputs))
        for one, other in zip(again, leaves(each.given), strict=True):
            np.testing.assert_array_equal(one, other, each.name)
        assert each.terms >= 1
        if each.scale is not None:
            largest = max(np.abs(leaf).max() for leaf in leaves(each.given))
            assert each.scale >= largest * (1.0 - 1e-12)


def test_the_step_that_is_taken_is_the_plain_one():
    run, _ = taken()
    x, y = run.batch(np.array([[5, 0, 2, 2]], "int32"))
    trace = bpx.backprop(run.step.spec, run.taken.before.parameters, x, y)
    for one, other in zip(leaves(run.taken.gradients), leaves(trace.gradients), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13)
    moved = run.taken.before.parameters.w[0] - 0.5 * trace.gradients.w[0]
    np.testing.assert_allclose(run.after.parameters.w[0], moved, rtol=1e-13)


@pytest.mark.parametrize(
    ("place", "layer"),
    [
        ("parameters.w[0]", 1),
        ("[0].b[2]", 3),
        ("w[1]", 2),
        ("metrics.cost", 4),
        ("feedback[1]", 4),
        ("optimizer.row[0]", 4),
    ],
)
def test_the_layer_of_an_array_is_told_by_its_place(place, layer):
    assert layer_of(place, 4) == layer
