"""Drawn labels: from the network's own distribution, and the same on every backend."""

import numpy as np
import pytest

import bpx
from bpx.inspect.curvature.output import _DRAWS, _key, check_likelihood, unit_vectors
from tests.backends import host

COSTS = {
    "quadratic": bpx.costs.quadratic,
    "binary": bpx.costs.binary_cross_entropy,
    "categorical": bpx.costs.categorical_cross_entropy,
}
each_cost = pytest.mark.parametrize("name", COSTS)
A = np.array([[0.2, 0.5, 0.3], [0.9, 0.0, 0.1], [0.0, 0.0, 1.0]])


def drawn(name, a, seed=0, step=3):
    key = np.array(bpx.random.key_words(seed), np.int32)
    return _DRAWS[COSTS[name]](key, step, a)


@each_cost
def test_the_mean_is_a(name):
    y = drawn(name, np.repeat(A, 20000, axis=0)).reshape(3, 20000, 3)
    np.testing.assert_allclose(y.mean(axis=1), A, atol=5.0 * 20000**-0.5)


def test_labels_are_labels():
    y = drawn("categorical", np.repeat(A, 2000, axis=0))
    assert set(np.unique(y)) == {0.0, 1.0}
    assert (y.sum(axis=1) == 1.0).all()
    assert (y[2000:4000, 1] == 0.0).all()  # a label of probability 0 is never drawn
    assert (y[4000:, 2] == 1.0).all()
    assert set(np.unique(drawn("binary", A))) <= {0.0, 1.0}


def test_sums_that_miss_1_by_rounding():
    a = np.full((100000, 3), 0.3333, np.float32)
    assert (drawn("categorical", a).sum(axis=1) == 1.0).all()


def test_a_normal_one_has_the_variance_of_the_cost():
    y = drawn("quadratic", np.repeat(A, 20000, axis=0)) - np.repeat(A, 20000, axis=0)
    np.testing.assert_allclose(y.var(), 1.0, atol=0.02)
    off = np.cov(y.T) - np.eye(3)
    assert np.abs(off).max() < 0.03


@each_cost
def test_the_same_on_every_backend(name, target):
    a = np.random.default_rng(0).dirichlet(np.ones(5), 50)
    key = target.asarray(bpx.random.key_words(11), "int32")
    found = host(_DRAWS[COSTS[name]](key, 3, target.asarray(a, "float64")))
    expected = drawn(name, a, seed=11)
    if name == "quadratic":
        np.testing.assert_allclose(found, expected, atol=1e-13)
    else:
        assert (found == expected).all()


@each_cost
def test_another_step_draws_others(name):
    a = np.repeat(A[:1], 100, axis=0)
    assert (drawn(name, a, step=4) != drawn(name, a, step=5)).any()


def test_unit_vectors(target):
    z = target.asarray(np.ones((2, 3)), "float64")
    found = np.stack([host(each) for each in unit_vectors(z)])
    assert (found == np.eye(3)[:, None, :].repeat(2, axis=1)).all()


def test_what_is_a_likelihood():
    for settings in (
        {"cost": "quadratic", "output": "sigmoid"},
        {"cost": "quadratic", "output": "softmax"},
        {"cost": "cross_entropy", "output": "softmax"},
        {"cost": "cross_entropy", "output": "sigmoid"},
    ):
        check_likelihood(bpx.Network([3, 4, 2], **settings, seed=0).spec, "the Fisher matrix")


def test_what_is_none():
    own = bpx.Elementwise("own", bpx.activations.sigmoid.sigma, lambda z, a: a * (1.0 - a))
    spec = bpx.Network([3, 4, 2], output=own, cost="binary_cross_entropy", seed=0).spec
    match = r"in layer 2 'binary_cross_entropy' after 'own' is not a pair"
    with pytest.raises(bpx.InputError, match=match):
        check_likelihood(spec, "the Fisher matrix")


@pytest.mark.parametrize("seed", [0, 7, 2**40])
def test_a_seed_is_short_for_its_key(target, seed):
    like = target.asarray(np.ones((2, 3)), "float32")
    key = target.asarray(bpx.random.key_words(seed), "int32")
    assert host(_key(seed, like)).tolist() == list(bpx.random.key_words(seed))
    assert _key(key, like) is key
