"""The two passes over layers, one after another: what each layer is fed, told and sent."""

from dataclasses import replace

import numpy as np
import pytest

import bpx
from bpx.model import passes
from bpx.model.parameters import Gradients
from bpx.model.run import Run, saved
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
    run = Run(net.spec, net.parameters, saved(net.spec, net.parameters, x), np.eye(3)[y])
    deltas = passes.backward(run)
    again = passes.sent_back(run, deltas[-1])
    for a, b, c in zip(deltas, whole.deltas, again, strict=True):
        assert (a == b).all()
        assert (a == c).all()
    assert (passes.bp2(run, 0, deltas[1:]) == deltas[0]).all()
    assert (passes.sent(run, 0, deltas[1:]) == deltas[1] @ net.weights[1]).all()
    for found in (
        passes.gradients(1 / 7, run.layers, deltas),
        passes.learned(run, 1 / 7, deltas),
    ):
        assert (found.w[0] == whole.gradients.w[0]).all()


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
