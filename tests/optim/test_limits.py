"""Decay and clipping, against NumPy, and what they leave alone."""

from math import inf, nan

import numpy as np
import pytest

import bpx
from bpx.model.parameters import Gradients
from bpx.optim import (
    add_decayed_weights,
    add_l1_decay,
    chain,
    clip,
    clip_by_global_norm,
    mapped,
    scale,
)
from bpx.optim.limits import penalised
from tests.backends import host
from tests.optim.descents import arrays, assert_same, gradients, parameters


def applied(link, g, p):
    updates, state = link.update(g, link.init(p), p)
    assert_same(state, link.init(p), 0.0)
    return updates


# Decay


def test_decay_is_added_to_weights_and_leaves_biases_alone(target):
    p = parameters(target=target)
    g = gradients(p)
    found = applied(add_decayed_weights(0.25), g, p)
    assert type(found) is Gradients
    for u, was, w in zip(found.w, g.w, p.w, strict=True):
        np.testing.assert_allclose(host(u), host(was) + 0.25 * host(w), rtol=1e-14)
    assert all(u is was for u, was in zip(found.b, g.b, strict=True))


def test_no_decay_changes_nothing():
    p = parameters()
    g = gradients(p)
    assert_same(applied(add_decayed_weights(0.0), g, p), g, 0.0)


def test_ahead_of_the_rest_it_is_the_l2_penalty():
    """The book's (87): lmbda / n."""
    x, y = np.random.default_rng(0).random((8, 2)), np.ones(8)
    nets = []
    for settings in (
        {"lmbda": 0.4, "optimizer": bpx.Adam(0.1)},
        {"optimizer": chain(add_decayed_weights(0.4 / 8), bpx.Adam(0.1))},
    ):
        net = bpx.Network([2, 3, 1], seed=0, dtype="float64")
        net.fit(x, y, epochs=2, batch_size=4, seed=0, **settings)
        nets.append(net.parameters)
    assert_same(*nets, 0.0)


def test_no_penalty_is_the_optimizer_itself():
    adam = bpx.Adam()
    assert penalised(adam, 0.0) is adam
    assert float(penalised(adam, 0.5).init(parameters()).decay[0]) == 0.5


@pytest.mark.parametrize("bad", [-0.1, nan, inf, None, "0.1"])
def test_decay_refuses(bad):
    with pytest.raises(bpx.InputError, match=rf"decay={bad!r} .* a number of at least 0"):
        add_decayed_weights(bad)


# Clipping


def norm(tree):
    return np.sqrt(sum((each.astype(np.float64) ** 2).sum() for each in arrays(tree)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_longer_is_clipped_to_the_norm(target, dtype):
    p = parameters(dtype, target)
    g = gradients(p)
    largest = 0.5 * norm(g)
    found = applied(clip_by_global_norm(largest), g, p)
    expected = [0.5 * each for each in arrays(g)]
    tolerance = 1e-6 if dtype == "float32" else 1e-14
    assert_same(found, expected, tolerance)
    assert norm(found) == pytest.approx(largest, rel=1e-6)
    assert found.w[0].dtype == g.w[0].dtype


@pytest.mark.parametrize("times", [1.0, 1.5, 1e6])
def test_what_is_shorter_does_not_change(target, times):
    p = parameters(target=target)
    g = gradients(p)
    found = applied(clip_by_global_norm(times * norm(g) * (1.0 + 1e-12)), g, p)
    assert_same(found, g, 0.0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_gradient_of_zeros_stays_one(target, dtype):
    p = parameters(dtype, target)
    zeros = mapped(lambda w: 0.0 * w, gradients(p))
    found = applied(clip_by_global_norm(1e-30), zeros, p)
    assert all((each == 0.0).all() for each in arrays(found))


def test_of_many_networks_each_has_its_own_norm(target):
    p = parameters(target=target, leading=(3,))
    g = gradients(p)
    norms = np.sqrt(sum((each**2).sum(axis=(1, 2)) for each in arrays(g)))
    largest = float(np.median(norms))
    found = applied(clip_by_global_norm(largest), g, p)
    shares = np.minimum(1.0, largest / norms)[:, None, None]
    for one, other in zip(arrays(found), arrays(g), strict=True):
        np.testing.assert_allclose(one, shares * other, rtol=1e-14)


def test_in_a_chain_it_clips_what_it_is_handed():
    p = parameters()
    g = gradients(p)
    tenfold = chain(scale(10.0), clip_by_global_norm(0.1))
    updates, _ = tenfold.update(g, tenfold.init(p), p)
    assert norm(updates) == pytest.approx(0.1, rel=1e-12)
    last = chain(clip_by_global_norm(0.1), scale(10.0))
    updates, _ = last.update(g, last.init(p), p)
    assert norm(updates) == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("bad", [0.0, -1.0, nan, inf, None, True])
def test_clipping_refuses(bad):
    with pytest.raises(bpx.InputError, match=rf"largest={bad!r} .* a positive number"):
        clip_by_global_norm(bad)


# By value, and the L1 penalty


def test_each_number_is_clipped_by_itself(target):
    p = parameters(target=target)
    g = gradients(p)
    assert max(np.abs(each).max() for each in arrays(g)) > 0.5
    for found, was in zip(arrays(applied(clip(0.5), g, p)), arrays(g), strict=True):
        np.testing.assert_array_equal(found, np.clip(was, -0.5, 0.5))


def test_clipping_by_value_against_optax():
    optax = pytest.importorskip("optax", reason="the peer is optax")
    p = parameters()
    g = gradients(p)
    expected, _ = optax.clip(0.3).update(arrays(g), optax.EmptyState())
    assert_same(applied(clip(0.3), g, p), tuple(map(np.asarray, expected)), 0.0)


@pytest.mark.parametrize("bad", [0.0, -1.0, nan, inf, None, True])
def test_clipping_by_value_refuses(bad):
    with pytest.raises(bpx.InputError, match=rf"largest={bad!r} .* a positive number"):
        clip(bad)


def test_the_l1_penalty_is_added_to_weights_and_leaves_biases_alone(target):
    """The book's (96): lmbda / n · sgn(w), with sgn(0) = 0."""
    p = parameters(target=target)
    zero = type(p).dense([0.0 * p.w[0], p.w[1]], p.b)
    g = gradients(zero)
    found = applied(add_l1_decay(0.25), g, zero)
    for u, was, w in zip(found.w, g.w, zero.w, strict=True):
        np.testing.assert_array_equal(host(u), host(was) + 0.25 * np.sign(host(w)))
    assert all(u is was for u, was in zip(found.b, g.b, strict=True))


def test_the_l1_penalty_draws_small_weights_to_0():
    x, y = np.random.default_rng(0).random((8, 6)), np.ones(8)
    sizes = []
    for l1 in (0.0, 0.05):
        net = bpx.Network([6, 5, 1], seed=0, dtype="float64")
        rule = chain(add_l1_decay(l1), bpx.SGD(0.1))
        net.fit(x, y, epochs=300, batch_size=8, optimizer=rule, seed=0)
        sizes.append(sum((np.abs(w) < 0.006).sum() for w in net.weights))
    assert sizes[1] > 20 > sizes[0]


@pytest.mark.parametrize("bad", [-0.1, nan, inf, None, "0.1"])
def test_the_l1_penalty_refuses(bad):
    with pytest.raises(bpx.InputError, match=rf"l1={bad!r} .* a number of at least 0"):
        add_l1_decay(bad)
