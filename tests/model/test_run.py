"""The forward pass, layer by layer, and what the way back may see of it."""

from functools import partial

import numpy as np
import pytest

import bpx
from bpx.layers import Context
from bpx.model.run import (
    Randomness,
    Run,
    costs,
    in_training,
    layer_by_layer,
    outside,
    saved,
)
from tests.doubling import Double, between
from tests.peers import random_network, random_samples


def run_of(net, contexts=outside):
    x, y = random_samples(net)
    layers = tuple(layer_by_layer(net.spec, net.parameters, x, contexts))
    return Run(net.spec, net.parameters, layers, np.eye(3)[y], contexts=contexts)


def test_each_layer_is_told_of_its_own_randomness():
    net = random_network([4, 5, 3])
    spec, parameters = between(net)
    randomness = Randomness((None, "key", None), "step")
    contexts = partial(in_training, randomness)
    assert contexts(1) == Context(True, "key", "step")
    assert in_training(None, 1) == Context(True)
    Double.told.clear()
    run = list(layer_by_layer(spec, parameters, random_samples(net)[0], contexts))
    assert Double.told == [Context(True, "key", "step")]
    assert len(run) == 3


def test_the_rest_of_the_layers_is_what_they_are_in_the_whole():
    net = random_network([4, 6, 5, 3])
    whole = saved(net.spec, net.parameters, random_samples(net)[0])
    rest = list(layer_by_layer(net.spec, net.parameters, whole[0].a, first=1))
    assert (rest[-1].a == whole[-1].a).all()
    assert len(rest) == 2


def test_the_costs_are_those_of_a_trace():
    net = random_network([4, 5, 3])
    run = run_of(net)
    x, y = random_samples(net)
    assert (costs(net.spec, run.layers[-1], run.y) == net.backprop(x, y).cost).all()


def test_outside_training_a_layer_is_told_nothing():
    assert outside(3) == Context()
    assert not Context().training


def test_a_view_has_what_is_its_layers():
    net = random_network([4, 6, 5, 3])
    x, y = random_samples(net)
    trace, run = net.backprop(x, y), run_of(net)._replace(feedback=("B1", "B2"))
    for number in (1, 2, 3):
        view = run.view(number)
        assert view.number == number
        assert view.w is net.weights[number - 1]
        assert view.b is net.biases[number - 1]
        assert (view.a_prev == trace.a[number - 1]).all()
        assert (view.z == trace.z[number - 1]).all()
        assert (view.a == trace.a[number]).all()
        assert view.y is run.y
        assert view.above == net.weights[number:]
        assert ("B1", "B2", None)[number - 1] == view.B
        assert view.is_output == (number == 3)


def test_its_cost_is_that_of_the_pass_and_of_what_would_be():
    net = random_network([4, 6, 5, 3])
    x, y = random_samples(net)
    run, trace = run_of(net), net.backprop(x, y)
    for number in (1, 2, 3):
        view = run.view(number)
        assert (view.cost(view.z) == trace.cost).all()
        h = 1e-6 * np.random.default_rng(number).standard_normal(view.z.shape)
        change = (view.cost(view.z + h) - view.cost(view.z - h)) / 2.0
        expected = (trace.delta[number - 1] * h).sum(axis=1)
        np.testing.assert_allclose(change, expected, rtol=1e-5, atol=1e-13)


def test_a_dropped_unit_is_dropped_in_its_cost_as_well():
    """The layers above run as they did: with the same masks."""
    net = bpx.Network([4, 50, 3], dropout=0.5, seed=0, dtype="float64")
    keys = Randomness((None, np.array([1, 2], "int32"), None), np.array([7], "int32"))
    run = run_of(net, partial(in_training, keys))
    view, mask = run.view(1), run.layers[1].mask
    expected = costs(net.spec, run.layers[-1], run.y)
    assert (mask == 0.0).any()
    assert (view.a == run.layers[1].a).all()
    np.testing.assert_allclose(view.cost(view.z), expected, rtol=1e-14)
    moved = view.z + np.where(mask == 0.0, 3.0, 0.0)
    np.testing.assert_allclose(view.cost(moved), expected, rtol=1e-14)
    assert np.abs(view.cost(view.z + 1.0) - expected).max() > 1e-3


def test_a_cost_of_another_shape_is_refused():
    net = random_network([4, 5, 3], cost=bpx.Cost("odd", lambda a, y: a, lambda a, y: a - y))
    with pytest.raises(bpx.InputError, match=r"value of the cost 'odd' gave shape \(7, 3\)"):
        costs(net.spec, run_of(net).layers[-1], np.eye(7)[:, :3])


def test_randomness_counts_the_steps_and_keeps_its_keys():
    keys, step = (np.array([1, 2], np.int32), None), np.array([7], np.int32)
    counted = Randomness(keys, step).counted()
    assert counted.keys is keys
    assert counted.step.tolist() == [8]
    assert step.tolist() == [7]
