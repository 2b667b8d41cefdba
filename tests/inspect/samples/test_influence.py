"""TracIn, EL2N and GraNd against the formulas, on torch.func's gradients."""

import numpy as np
import pytest

import bpx
from bpx import inspect
from bpx.model import inputs as boundary
from tests.backends import host
from tests.peers import Twin, close, random_network, random_samples

SIZES = [5, 6, 3]


def checkpoints(target=None):
    return [random_network(SIZES, seed=seed, target=target) for seed in (0, 1, 2)]


def test_tracin():
    networks = checkpoints()
    train, test = random_samples(networks[0], 9), random_samples(networks[0], 4, seed=3)
    etas = [0.3, 0.2, 0.1]
    expected = sum(
        eta * Twin(net).flat_gradients(*train) @ Twin(net).flat_gradients(*test).T
        for eta, net in zip(etas, networks, strict=True)
    )
    close(inspect.tracin(networks, train, test, eta=etas), expected)
    close(inspect.tracin(networks[:1], train, test), inspect.tracin(networks[:1], train, test))


def test_one_step_of_training_is_what_tracin_says_to_first_order():
    (net,) = checkpoints()[:1]
    train, test = random_samples(net, 1), random_samples(net, 4, seed=3)
    eta = 1e-5
    before = net.backprop(*test).cost
    scores = inspect.tracin([net], train, test, eta=eta)[0]
    gradients = net.backprop(*train).gradients
    net.parameters = bpx.optim.mapped(lambda p, g: p - eta * g, net.parameters, gradients)
    np.testing.assert_allclose(before - net.backprop(*test).cost, scores, rtol=1e-3, atol=1e-10)


def test_el2n_and_grand():
    networks = checkpoints()
    x, y = random_samples(networks[0], 9)
    errors = [np.linalg.norm(net.predict(x) - np.eye(3)[y], axis=1) for net in networks]
    close(inspect.el2n(networks, x, y), np.mean(errors, axis=0))
    norms = [np.linalg.norm(Twin(net).flat_gradients(x, y), axis=1) for net in networks]
    close(inspect.grand(networks, x, y), np.mean(norms, axis=0))
    close(inspect.grand(networks[0], x, y), norms[0])


def test_in_chunks(monkeypatch):
    networks = checkpoints()
    train, test = random_samples(networks[0], 9), random_samples(networks[0], 4, seed=3)
    whole = inspect.tracin(networks, train, test), inspect.el2n(networks, *train)
    few = lambda spec, x: boundary._parts(x, 2)  # noqa: E731
    monkeypatch.setattr("bpx.inspect.samples.influence.chunks", few)
    close(inspect.tracin(networks, train, test), whole[0])
    close(inspect.el2n(networks, *train), whole[1])


def test_from_anywhere_to_every_backend(target):
    networks = checkpoints(target)
    train, test = random_samples(networks[0], 9), random_samples(networks[0], 4, seed=3)
    expected = inspect.tracin(checkpoints(), train, test)
    found = inspect.tracin(networks, train, test)
    assert isinstance(found, np.ndarray)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    x, y = target.asarray(train[0], "float64"), target.asarray(train[1], "int32")
    there = inspect.grand(networks, x, y)
    assert networks[0].home.owns(there)
    np.testing.assert_allclose(host(there), inspect.grand(checkpoints(), *train), rtol=1e-9)
    assert isinstance(inspect.el2n(networks, train[0].tolist(), train[1].tolist()), np.ndarray)


def test_refusals():
    networks = checkpoints()
    data = random_samples(networks[0])
    with pytest.raises(bpx.InputError, match="2 learning rates were given for 3 networks"):
        inspect.tracin(networks, data, data, eta=[0.1, 0.2])
    with pytest.raises(bpx.InputError, match=r"eta=-0.1 was given; expected a positive"):
        inspect.tracin(networks, data, data, eta=-0.1)
    with pytest.raises(bpx.InputError, match=r"networks=\[\] was given"):
        inspect.el2n([], *data)
    with pytest.raises(bpx.InputError, match=r"train is ndarray; expected a pair"):
        inspect.tracin(networks, data[0], data)
