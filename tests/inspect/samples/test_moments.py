"""Moments and diversity of the samples' gradients, against those of gradients that are made."""

import numpy as np
import pytest

import bpx
from bpx import inspect
from tests.backends import host
from tests.inspect.samples.test_gradients import NETWORKS, each_network, traced
from tests.peers import Twin, close, flat, random_network, random_samples


@each_network
def test_moments(name):
    net, x, y, trace = traced(name)
    gradients = Twin(net).flat_gradients(x, y)
    found = inspect.moments(trace)
    close(flat(found.mean), gradients.mean(axis=0))
    close(flat(found.second), (gradients**2).mean(axis=0))
    close(flat(found.variance), gradients.var(axis=0))
    ratio = gradients.mean(axis=0) ** 2 / gradients.var(axis=0)
    close(flat(found.signal_to_noise), ratio, 1e-6)
    again = inspect.moments(trace, mean=trace.gradients)
    close(flat(again.mean), flat(found.mean), 1e-14)
    close(flat(again.variance), flat(found.variance), 1e-12)


@each_network
def test_gradient_diversity(name):
    net, x, y, trace = traced(name)
    gradients = Twin(net).flat_gradients(x, y)
    expected = (gradients**2).sum() / (gradients.sum(axis=0) ** 2).sum()
    close(inspect.gradient_diversity(trace), expected)


def test_equal_samples_have_no_variance_and_no_diversity():
    net, x, y, _ = traced("softmax")
    trace = net.backprop(np.repeat(x[:1], 4, axis=0), np.repeat(y[:1], 4))
    np.testing.assert_allclose(inspect.gradient_diversity(trace), 0.25, rtol=1e-12)
    assert np.abs(flat(inspect.moments(trace).variance)).max() < 1e-15
    assert (flat(inspect.moments(trace).variance) >= 0.0).all()


def test_signal_to_noise_of_weights_that_do_not_matter():
    net = random_network([3, 4, 2], "relu")
    net.parameters = net.weights, (np.full(4, -50.0), net.biases[1])  # all units are dead
    x, y = random_samples(net)
    ratio = inspect.moments(net.backprop(x, y)).signal_to_noise
    assert (ratio.w[0] == 0.0).all()
    assert (ratio.b[1] > 0.0).all()
    one = net.backprop(x[:1], y[:1])
    assert np.isinf(inspect.moments(one).signal_to_noise.b[1]).all()


def test_on_every_backend(target):
    net, expected = random_network(*NETWORKS["softmax"], target=target), traced("softmax")[3]
    x, y = random_samples(net)
    trace = net.backprop(target.asarray(x, "float64"), target.asarray(y, "int32"))
    found, wanted = inspect.gradient_diversity(trace), inspect.gradient_diversity(expected)
    assert net.home.owns(found)
    np.testing.assert_allclose(host(found), wanted, rtol=1e-10)
    found, wanted = inspect.moments(trace), inspect.moments(expected)
    np.testing.assert_allclose(flat(found.variance), flat(wanted.variance), atol=1e-12)
    np.testing.assert_allclose(
        flat(found.signal_to_noise), flat(wanted.signal_to_noise), rtol=1e-6
    )


def test_a_trace_of_a_forward_pass_is_refused():
    net, x, _, _ = traced("softmax")
    for function in (inspect.moments, inspect.gradient_diversity):
        with pytest.raises(bpx.InputError, match=r"has no deltas.*net\.backprop"):
            function(net.forward(x))
