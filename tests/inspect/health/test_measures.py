"""The signs of health against torch.func, and against loops over samples and units."""

import math

import numpy as np
import pytest

import bpx
from bpx import inspect
from tests.backends import host
from tests.inspect.samples.test_gradients import each_network, traced
from tests.peers import Twin, close, random_network, random_samples

PRIMES = {
    "identity": lambda z: 1.0,
    "tanh": lambda z: 1.0 / math.cosh(z) ** 2,
    "sigmoid": lambda z: math.exp(-abs(z)) / (1.0 + math.exp(-abs(z))) ** 2,
    "relu": lambda z: float(z > 0.0),
    "leaky_relu": lambda z: 1.0 if z > 0.0 else 0.01,
    "elu": lambda z: 1.0 if z > 0.0 else math.exp(z),
}
"""sigma', written once more."""


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
        if wanted is None:
            assert found is None
            return
        assert net.home.owns(found)
        np.testing.assert_allclose(host(found), wanted, rtol=1e-9)

    alike(inspect.error_norms(trace), inspect.error_norms(expected))
    alike(inspect.learning_speeds(trace), inspect.learning_speeds(expected))
    alike(inspect.two_sided(net.spec, trace.a[0]), inspect.two_sided(there.spec, expected.a[0]))
    for found, wanted in (
        (inspect.saturation(net.spec, trace), inspect.saturation(there.spec, expected)),
        (inspect.dead_units(net.spec, trace), inspect.dead_units(there.spec, expected)),
        (inspect.input_sizes(trace), inspect.input_sizes(expected)),
        (
            inspect.output_response(net.spec, trace, target.asarray(y, "int32")),
            inspect.output_response(there.spec, expected, y),
        ),
    ):
        for mine, its in zip(found, wanted, strict=True):
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
