"""The two passes over layers, one after another: what each layer is fed, told and sent."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

import bpx
from bpx.layers import Context
from bpx.model import passes
from bpx.model.parameters import Gradients
from tests.backends import host
from tests.doubling import Double, between
from tests.peers import close, random_network, random_samples


def given(target, sizes=(4, 5, 3), **settings):
    """A network, samples at its home, and its parameters on the host."""
    net = random_network(list(sizes), target=target, **settings)
    x, y = random_samples(net)
    x, y = target.asarray(x, "float64"), target.asarray(y, "int32")
    return net, x, y, [[host(each) for each in those] for those in (net.weights, net.biases)]


def test_forward_is_the_layers_one_after_another(target):
    net, x, _, (w, b) = given(target)
    trace = passes.forward(net.spec, net.parameters, x)
    z1 = host(x) @ w[0].T + b[0]
    z2 = np.tanh(z1) @ w[1].T + b[1]
    close(trace.z[0], z1)
    close(trace.z[1], z2)
    e = np.exp(z2)
    close(trace.a[-1], e / e.sum(axis=1, keepdims=True))


def test_backprop_is_bp1_to_bp4(target):
    net, x, y, (w, _) = given(target)
    r = np.arange(1.0, 8.0)[:, None]
    trace = passes.backprop(net.spec, net.parameters, x, y, r=target.asarray(r, "float64"))
    a = [host(each) for each in trace.a]
    labels = np.eye(3)[host(y)]
    delta2 = a[2] - labels
    delta1 = (delta2 @ w[1]) * (1.0 - a[1] ** 2)
    close(trace.delta[1], delta2)
    close(trace.delta[0], delta1)
    close(trace.cost, -(labels * np.log(a[2])).sum(axis=1))
    close(trace.gradients.w[1], (r * delta2).T @ a[1])
    close(trace.gradients.b[0], (r * delta1).sum(axis=0))
    assert isinstance(trace.gradients, Gradients)


def test_up_to_bp2_there_are_no_gradients(target):
    net, x, y, _ = given(target)
    _, deltas, cost = passes.errors_and_costs(net.spec, net.parameters, x, y)
    whole = passes.backprop(net.spec, net.parameters, x, y)
    assert all(
        (host(a) == host(b)).all()
        for a, b in zip((*deltas, cost), (*whole.deltas, whole.cost), strict=True)
    )


def test_the_parts_make_the_whole():
    net = random_network([4, 5, 3])
    x, y = random_samples(net)
    whole = net.backprop(x, y)
    layers = passes.saved(net.spec, net.parameters, x)
    targets = np.eye(3)[y]
    deltas = passes.backward(net.spec, net.parameters, layers, targets)
    again = passes.sent_back(net.spec, net.parameters, layers, deltas[-1])
    for a, b, c in zip(deltas, whole.deltas, again, strict=True):
        assert (a == b).all()
        assert (a == c).all()
    one = passes.bp2(net.spec, net.parameters, layers, 0, deltas[1:], ())
    assert (one == deltas[0]).all()
    assert (passes.costs(net.spec, layers[-1], targets) == whole.cost).all()
    found = passes.gradients(1 / 7, layers, deltas)
    assert (found.w[0] == whole.gradients.w[0]).all()


def test_each_layer_is_told_of_its_own_randomness():
    net = random_network([4, 5, 3])
    spec, parameters = between(net)
    randomness = passes.Randomness((None, "key", None), "step")
    contexts = partial(passes.in_training, randomness)
    assert contexts(1) == Context(True, "key", "step")
    assert passes.in_training(None, 1) == Context(True)
    Double.told.clear()
    run = list(passes.layer_by_layer(spec, parameters, random_samples(net)[0], contexts))
    assert Double.told == [Context(True, "key", "step")]
    assert len(run) == 3


def test_a_layer_that_learns_nothing_has_no_gradient(target):
    net, x, y, _ = given(target)
    spec, parameters = between(net)
    trace = passes.backprop(spec, parameters, x, y)
    assert [len(entry) for entry in trace.gradients.layers] == [2, 0, 2]
    assert len(trace.deltas) == 3
    assert len(trace.delta) == 2


def test_the_feedback_takes_the_place_of_the_transpose_at_dense_layers(target):
    net, x, y, _ = given(target)
    spec, parameters = between(net)
    spec = replace(spec, feedback=bpx.feedback.FEEDBACKS["fa"])
    B = np.random.default_rng(3).standard_normal((3, 5))
    trace = passes.backprop(spec, parameters, x, y, feedback=(target.asarray(B, "float64"),))
    delta, between_them = host(trace.delta[1]), host(trace.deltas[1])
    close(between_them, delta @ B)
    close(trace.delta[0], 2.0 * between_them * (1.0 - host(trace.a[1]) ** 2 / 4.0))


def test_what_is_not_at_home_is_refused_before_anything_runs():
    net = random_network([4, 5, 3])
    x, y = random_samples(net)
    with pytest.raises(bpx.InputError, match=r"x has shape \(4,\)"):
        net.forward(x[0])
    with pytest.raises(bpx.InputError, match="y has shape"):
        net.backprop(x, y[:3])
    with pytest.raises(bpx.InputError, match="feedback arrays of shapes"):
        passes.backprop(net.spec, net.parameters, x, y, feedback=(x,))
    with pytest.raises(bpx.InputError, match="r has shape"):
        net.backprop(x, y, r=np.ones(7))


def test_to_a_layer_below_all_dense_ones_the_transpose_is_sent():
    """A feedback has matrices for hidden Dense layers; below the first there is none."""
    net = random_network([4, 5, 3])
    x, y = random_samples(net)
    spec = replace(net.spec, layers=(Double(4, 4), *net.spec.layers))
    spec = replace(spec, feedback=bpx.feedback.FEEDBACKS["fa"])
    parameters = bpx.Parameters([(), *net.parameters.layers])
    B = np.random.default_rng(3).standard_normal((3, 5))
    trace = passes.backprop(spec, parameters, x, y, feedback=(B,))
    below, hidden, output = trace.deltas
    close(hidden, (output @ B) * (1.0 - trace.a[1] ** 2))
    close(below, hidden @ net.weights[0])


def test_randomness_counts_the_steps_and_keeps_its_keys():
    keys, step = (np.array([1, 2], np.int32), None), np.array([7], np.int32)
    counted = passes.Randomness(keys, step).counted()
    assert counted.keys is keys
    assert counted.step.tolist() == [8]
    assert step.tolist() == [7]
