"""The signs of health against torch.func, and against loops over samples and outputs."""

import numpy as np
import pytest

import bpx
from bpx import inspect
from tests.backends import host
from tests.inspect.samples.test_gradients import each_network, traced
from tests.peers import Twin, close, random_network, random_samples


def wide(hidden, output="softmax", cost="cross_entropy", target=None, scale=4.0):
    """A network with weights so large that some units are saturated."""
    net = random_network([5, 6, 4, 3], hidden, output, cost, target=target)
    net.parameters = [scale * w for w in net.weights], net.biases
    return net


@each_network
def test_norms_of_the_errors(name):
    net, x, y, trace = traced(name)
    deltas = Twin(net).each_gradient(x, y)[1::2]  # each sample's gradient by b is delta
    expected = [np.mean([np.linalg.norm(row) for row in delta]) for delta in deltas]
    close(inspect.error_norms(trace), expected)
    speeds = [np.linalg.norm(delta.mean(axis=0)) for delta in deltas]
    close(inspect.learning_speeds(trace), speeds)
    close(inspect.learning_speeds(trace), [np.linalg.norm(b) for b in trace.gradients.b])


def test_row_weights_have_no_part_in_it():
    net, x, y, trace = traced("softmax")
    weighted = net.backprop(x, y, r=np.arange(7.0)[:, None])
    assert (inspect.learning_speeds(weighted) == inspect.learning_speeds(trace)).all()


@pytest.mark.parametrize(
    ("output", "cost"),
    [("sigmoid", "quadratic"), ("softmax", "quadratic"), ("softmax", "cross_entropy")],
)
def test_output_response(output, cost):
    net = wide("tanh", output, cost)
    x, _ = random_samples(net, 30)
    y = np.arange(30) % 2  # no sample of class 2
    trace = net.backprop(x, y)
    recall, passed = inspect.output_response(net.spec, trace, y)
    a, delta = trace.a[-1], trace.delta[-1]
    for j in range(2):
        own = [i for i in range(30) if y[i] == j]
        hits = [float(max(range(3), key=lambda k: a[i, k]) == j) for i in own]
        assert recall[j] == pytest.approx(np.mean(hits), abs=1e-15)
        expected = sum(abs(delta[i, j]) for i in own) / sum(abs(a[i, j] - 1.0) for i in own)
        assert passed[j] == pytest.approx(expected, rel=1e-12)
    assert np.isnan(recall[2])
    assert np.isnan(passed[2])
    if cost == "cross_entropy":
        np.testing.assert_allclose(passed[:2], 1.0, rtol=1e-12)
    again = inspect.output_response(net.spec, trace, np.eye(3)[y])
    np.testing.assert_array_equal(again.passed, passed)


def test_update_ratios():
    net = random_network([4, 5, 3])
    x, y = random_samples(net)
    g = net.backprop(x, y).gradients
    after = bpx.Parameters.dense(
        tuple(w - 0.1 * d for w, d in zip(net.weights, g.w, strict=True)), net.biases
    )
    expected = [
        0.1 * np.linalg.norm(d) / np.linalg.norm(w)
        for w, d in zip(net.weights, g.w, strict=True)
    ]
    close(inspect.update_ratios(net.parameters, after), expected)
    zeros = bpx.Parameters.dense(tuple(0.0 * w for w in net.weights), net.biases)
    assert np.isinf(inspect.update_ratios(zeros, after)).all()
    assert (inspect.update_ratios(zeros, zeros) == 0.0).all()


def test_on_every_backend(target):
    net, there = wide("tanh", target=target), wide("tanh")
    x, y = random_samples(net)
    trace = net.backprop(target.asarray(x, "float64"), target.asarray(y, "int32"))
    expected = there.backprop(x, y)

    def alike(found, wanted):
        assert net.home.owns(found)
        np.testing.assert_allclose(host(found), wanted, rtol=1e-9)

    alike(inspect.error_norms(trace), inspect.error_norms(expected))
    alike(inspect.learning_speeds(trace), inspect.learning_speeds(expected))
    response = inspect.output_response(net.spec, trace, target.asarray(y, "int32"))
    wanted = inspect.output_response(there.spec, expected, y)
    for mine, its in zip(response, wanted, strict=True):
        alike(mine, its)
    alike(
        inspect.update_ratios(net.parameters, bpx.Parameters(trace.gradients.layers)),
        inspect.update_ratios(there.parameters, bpx.Parameters(expected.gradients.layers)),
    )


def test_refusals():
    net, x, y, _ = traced("softmax")
    for function in (inspect.error_norms, inspect.learning_speeds):
        with pytest.raises(bpx.InputError, match=r"has no deltas.*net\.backprop"):
            function(net.forward(x))
    with pytest.raises(bpx.InputError, match="has no deltas"):
        inspect.output_response(net.spec, net.forward(x), y)
    one = random_network([3, 1], output="sigmoid")
    with pytest.raises(bpx.InputError, match="a single output; expected one for each class"):
        inspect.output_response(one.spec, one.backprop(np.ones((1, 3)), np.ones(1)), np.ones(1))
