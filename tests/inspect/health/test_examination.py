"""`examine`: all the signs of one pass, on the host, from anywhere and on every backend."""

import numpy as np
import pytest

import bpx
from bpx import inspect
from tests.peers import random_network, random_samples

SIZES = [5, 6, 4, 3]


def network(target=None):
    net = random_network(SIZES, "relu", "sigmoid", "quadratic", target=target)
    b = [np.array(bpx.to_host(each)) for each in net.biases]
    b[0][2] = -90.0
    net.parameters = net.weights, b
    return net


def samples(n=240):
    x, _ = random_samples(network(), n)
    x[:, 4] *= 1e-5
    return x, np.arange(n) % 3


def test_it_is_what_the_functions_find():
    net, (x, y) = network(), samples()
    trace, found = net.backprop(x, y), inspect.examine(net, x, y)
    assert found.sizes == tuple(SIZES)
    assert found.activations == ("relu", "relu", "sigmoid")
    assert found.samples == 240
    assert found.errors == tuple(inspect.error_norms(trace).tolist())
    assert found.speeds == tuple(inspect.learning_speeds(trace).tolist())
    saturated = [each.mean() for each in inspect.saturation(net.spec, trace)]
    assert found.saturated == pytest.approx(saturated, rel=1e-15)
    assert found.two_sided == (False, False, True)
    assert found.dead == ((2,), (), ())
    assert found.quiet[0] == (4,)
    recall, passed = inspect.output_response(net.spec, trace, y)
    assert found.recall == tuple(recall.tolist())
    assert found.passed == tuple(passed.tolist())
    assert found.updates is None


def test_its_numbers_are_pythons():
    found = inspect.examine(network(), *samples())
    flat = [found.errors, found.speeds, found.saturated, found.recall, found.passed]
    assert {type(number) for group in flat for number in group} == {float}
    assert {type(i) for group in found.dead + found.quiet for i in group} == {int}
    assert found == inspect.examine(network(), *samples())


def test_from_anywhere_to_every_backend(target):
    expected, found = (inspect.examine(network(t), *samples()) for t in (None, target))
    x, y = samples()
    there = inspect.examine(network(target), target.asarray(x), target.asarray(y, "int32"))
    assert there.dead == ((2,), (), ())
    for field in ("errors", "speeds", "saturated", "recall", "passed"):
        assert getattr(found, field) == pytest.approx(getattr(expected, field), rel=1e-9)
    for field in ("two_sided", "dead", "quiet"):
        assert getattr(found, field) == getattr(expected, field)


def test_the_limits_are_the_callers():
    net, (x, y) = network(), samples()
    strictly = inspect.examine(net, x, y, limits=inspect.Limits(quiet=1e-6))
    assert strictly.quiet[0] == ()
    loosely = inspect.examine(net, x, y, limits=inspect.Limits(share=0.9))
    assert loosely.saturated[-1] > inspect.examine(net, x, y).saturated[-1]


def test_where_there_are_no_classes():
    net = random_network([3, 4, 2], "tanh", "identity", "quadratic")
    found = inspect.examine(net, *random_samples(net, labels=False))
    assert (found.recall, found.passed) == (None, None)
    binary = random_network([3, 4, 1], "tanh", "sigmoid")
    assert inspect.examine(binary, [[0.0, 1.0, 2.0]], [1]).recall is None


def test_a_class_without_samples_is_not_judged():
    net, (x, _) = network(), samples()
    found = inspect.examine(net, x, np.zeros(240, int))
    assert found.recall[1:] == (None, None)
    assert found.passed[1:] == (None, None)


def test_softmax_has_no_saturation():
    net = random_network(SIZES)
    assert inspect.examine(net, *samples()).saturated[-1] is None


def test_refuses_what_evaluate_refuses():
    with pytest.raises(bpx.InputError, match=r"x has shape \(2, 4\); expected \(n, 5\)"):
        inspect.examine(network(), np.ones((2, 4)), [0, 1])
    with pytest.raises(bpx.InputError, match=r"y\[1\] is 7"):
        inspect.examine(network(), np.ones((2, 5)), [0, 7])
