"""Muon, against Jordan's algorithm, PyTorch's and optax's iteration; Adam for all the rest."""

from math import nan, sqrt
from typing import Any, NamedTuple

import numpy as np
import pytest

import bpx
from bpx.layers.dense import DenseParameters
from bpx.model.parameters import Parameters
from bpx.optim import Muon, chain, scale_by_adam, scale_by_muon
from bpx.optim.muon import orthogonalised
from tests.backends import host
from tests.optim.descents import arrays, assert_same, gradients, parameters
from tests.optim.rivals import assert_follows, by_torch, state_of, zeros


def newton_schulz(g):
    """Jordan 2024, `newtonschulz5`, with its first line as in PyTorch."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g / max(np.sqrt((g**2).sum()), 1e-7)
    if g.shape[0] > g.shape[1]:
        x = x.T
    for _ in range(5):
        first = x @ x.T
        second = b * first + c * first @ first
        x = a * x + second @ x
    return x.T if g.shape[0] > g.shape[1] else x


def muon_of(w, eta, beta, decay):
    """Jordan 2024, algorithm 2, with Nesterov's momentum; Liu et al. 2025, equation 4."""
    moment = 0.0 * w
    while True:
        g = yield w.copy()
        moment = beta * moment + (1 - beta) * g
        o = newton_schulz((1 - beta) * g + beta * moment)
        w = w - eta * (0.2 * sqrt(max(w.shape)) * o + decay * w)


def adamw_of(w, eta, decay, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """Loshchilov and Hutter 2019, algorithm 2."""
    m, v, t = 0.0 * w, 0.0 * w, 0
    while True:
        t, g = t + 1, (yield w.copy())
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        w = w - eta * (m_hat / (np.sqrt(v_hat) + epsilon) + decay * w)


def formula(eta, beta, decay, by_adam):
    """Each array by its own rule: the weights w[0], w[1], w[2] come first."""

    def rival(start, decays):
        excluded = {i % sum(decays) for i in by_adam}
        running = [
            muon_of(w, eta, beta, decay)
            if d and i not in excluded
            else adamw_of(w, eta, decay * d)
            for i, (w, d) in enumerate(zip(start, decays, strict=True))
        ]
        found = [next(one) for one in running]
        while True:
            sent = yield found, found
            found = [one.send(g) for one, g in zip(running, sent, strict=True)]

    return rival


@pytest.mark.parametrize("by_adam", [(-1,), (), (0, -2)], ids=str)
def test_against_the_formula(target, by_adam):
    rival = formula(0.02, 0.9, 0.1, by_adam)
    assert_follows(Muon(0.02, 0.9, 0.1, by_adam), rival, target)


def test_against_torch(monkeypatch):
    """PyTorch's iterates in bfloat16; without that cast it is the same."""
    torch = pytest.importorskip("torch", reason="the peer is torch.optim")
    monkeypatch.setattr(torch.Tensor, "bfloat16", lambda self: self)

    def make(w, b):
        how = {"lr": 0.02, "weight_decay": 0.1}
        rest = [{"params": w[-1:]}, {"params": b, "weight_decay": 0.0}]
        muon = torch.optim.Muon(w[:-1], adjust_lr_fn="match_rms_adamw", **how)
        return [muon, torch.optim.AdamW(rest, **how)]

    assert_follows(Muon(0.02), by_torch(make))


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (1, 6), (6, 1)])
def test_the_iteration_against_optax(target, shape):
    contrib = pytest.importorskip("optax.contrib", reason="the peer is optax")
    module = __import__("sys").modules[contrib.scale_by_muon.__module__]
    g = np.random.default_rng(0).standard_normal(shape)
    import jax.numpy as jnp

    ns = jnp.asarray([3.4445, -4.7750, 2.0315])
    expected = module.orthogonalize_via_newton_schulz(jnp.asarray(g), ns, eps=0.0)
    found = host(orthogonalised(target.asarray(g, "float64")))
    np.testing.assert_allclose(found, np.asarray(expected), rtol=0.0, atol=1e-12)


def test_singular_values_from_0_002_come_into_the_documented_range():
    x = np.linspace(0.002, 1.0, 500)
    found = np.diag(orthogonalised(np.diag(x)))
    scaled = x / np.sqrt((x**2).sum())
    inside = found[scaled >= 0.002]
    assert len(inside) > 400
    assert (inside > 0.68).all()
    assert (inside < 1.21).all()


def test_singular_values_come_near_1_and_vectors_stay(target):
    g = np.random.default_rng(1).standard_normal((6, 4))
    u, s, vt = np.linalg.svd(g)
    found = host(orthogonalised(target.asarray(g, "float64")))
    after = u[:, :4].T @ found @ vt.T
    assert ((np.diag(after) > 0.6) & (np.diag(after) < 1.3)).all()
    assert np.abs(after - np.diag(np.diag(after))).max() < 1e-12
    assert s.max() / s.min() > 1.5


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_size_of_the_gradient_does_not_count(target, dtype):
    g = np.random.default_rng(1).standard_normal((3, 5))
    found = [host(orthogonalised(target.asarray(k * g, dtype))) for k in (1.0, 1e-4, 1e6)]
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], atol=1e-4 if dtype == "float32" else 1e-12)


def test_what_has_no_gradient_stays():
    p, link = zeros(), scale_by_muon()
    moved, _ = link.update(p, link.init(p), p)
    assert all((u == 0.0).all() for u in arrays(moved))


def test_biases_and_what_is_listed_are_updated_by_adam(target):
    p = parameters(target=target)
    g, link, adam = gradients(p), scale_by_muon(by_adam=(1,)), scale_by_adam()
    found, state = link.update(g, link.init(p), p)
    expected, moments = adam.update(g, adam.init(p), p)
    assert_same(found.b, expected.b, 0.0)
    assert_same(found.w[1:], expected.w[1:], 0.0)
    assert np.abs(host(found.w[0]) - host(expected.w[0])).max() > 0.01
    assert_same(state.v, moments.v.w[1:] + moments.v.b, 0.0)
    assert state.v.w[0] is None


# What is a matrix


class Learned(NamedTuple):
    """A matrix that a feedback learns."""

    B: Any


class Norm(NamedTuple):
    """What another kind of layer learns: a matrix that is no weight, and a vector called w."""

    gamma: Any
    w: Any


def test_a_matrix_of_a_feedback_is_trained_like_its_weights():
    """B^l has the gradient of w^{l+1}; only then do the two come together (Akrout et al.)."""
    rng = np.random.default_rng(0)
    w = [rng.standard_normal(s) for s in ((4, 3), (5, 4), (2, 5))]
    dense = [DenseParameters(each, each[:, 0]) for each in w]
    p = Parameters([*dense, Learned(w[1]), Learned(w[2])])
    for by_adam in ((-1,), (2,), (1,), ()):
        link = scale_by_muon(by_adam=by_adam)
        moved, _ = link.update(p, link.init(p), p)
        for w_of, b_of in ((1, 3), (2, 4)):
            np.testing.assert_array_equal(moved.layers[w_of].w, moved.layers[b_of].B)


def test_kps_weights_and_feedback_come_together():
    net = bpx.Network([5, 6, 4, 3], feedback="kp", hidden="tanh", seed=0, dtype="float64")
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((30, 5)), rng.integers(0, 3, 30)

    def apart():
        pairs = zip(net.weights[1:], net.feedback, strict=True)
        return max(np.abs(w - b).max() for w, b in pairs)

    before = apart()
    net.fit(x, y, epochs=20, batch_size=10, optimizer=Muon(0.01, decay=3.0), seed=0)
    assert apart() < 0.5 * before


def test_other_arrays_are_no_matrices():
    p = Parameters(
        [DenseParameters(np.ones((2, 3)), np.ones(2)), Norm(np.ones((2, 2)), np.ones(2))]
    )
    link, adam = scale_by_muon(by_adam=()), scale_by_adam()
    found, _ = link.update(p, link.init(p), p)
    expected, _ = adam.update(p, adam.init(p), p)
    assert_same(found.layers[1], expected.layers[1], 0.0)
    assert np.abs(found.layers[0].w - expected.layers[0].w).max() > 0.01


def test_a_vector_called_w_is_not_counted():
    """by_adam are indices into net.weights, which has matrices alone."""
    w = np.random.default_rng(0).standard_normal((3, 3))
    dense = DenseParameters(w, np.ones(3))
    p = Parameters([dense, Norm(np.ones((2, 2)), np.ones(2)), dense])
    link, adam = scale_by_muon(by_adam=(1,)), scale_by_adam()
    found, _ = link.update(p, link.init(p), p)
    expected, _ = adam.update(p, adam.init(p), p)
    assert_same(found.layers[1:], expected.layers[1:], 0.0)
    assert np.abs(found.layers[0].w - expected.layers[0].w).max() > 0.01
    with pytest.raises(bpx.InputError, match="by_adam has 2, but the network has 2 weights"):
        scale_by_muon(by_adam=(2,)).init(p)


def test_no_bias_is_no_array():
    w = np.random.default_rng(0).standard_normal((2, 3))
    p = Parameters([DenseParameters(w, None), DenseParameters(w.T, np.ones(3))])
    link = scale_by_muon()
    moved, state = link.update(p, link.init(p), p)
    assert moved.layers[0].b is None
    assert state.m.layers[0].b is None
    np.testing.assert_allclose(moved.layers[0].w, 0.2 * sqrt(3) * newton_schulz(w), atol=1e-12)


@pytest.mark.parametrize("bad", [(3,), (-4,), (0, 7)])
def test_an_index_of_no_weights_is_named(bad):
    net = bpx.Network([4, 3, 3, 2], seed=0)
    with pytest.raises(bpx.InputError, match=rf"by_adam has {bad[-1]}, .* has 3 weights"):
        net.fit(
            np.ones((4, 4)),
            np.zeros(4, int),
            epochs=1,
            batch_size=2,
            optimizer=Muon(by_adam=bad),
        )


# The rest


def test_its_state_has_names():
    names = {"beta", "beta1", "beta2", "epsilon", "t", "m", "v", "decay", "eta"}
    assert state_of(Muon()) == names


def test_equal_numbers_make_equal_optimizers_with_one_rule():
    assert Muon(0.1) == Muon(0.1) != Muon(0.2)
    assert hash(Muon(by_adam=[0])) == hash(Muon(by_adam=(0,)))
    assert Muon(0.1, 0.5, 0.2, beta1=0.5, beta2=0.6, epsilon=1.0).update is Muon().update
    assert Muon(by_adam=()).update != Muon().update
    assert chain(scale_by_muon(0.5)) == chain(scale_by_muon(0.5)) != chain(scale_by_muon())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"eta": 0.0}, "eta=0.0 .* a positive number"),
        ({"beta": 1.0}, r"beta=1.0 .* a number in \[0, 1\)"),
        ({"beta1": -1.0}, r"beta1=-1.0 .* a number in \[0, 1\)"),
        ({"beta2": nan}, r"beta2=nan .* a number in \[0, 1\)"),
        ({"epsilon": 0.0}, "epsilon=0.0 .* a positive number"),
        ({"decay": -0.1}, "decay=-0.1 .* a number of at least 0"),
        ({"by_adam": 1}, r"by_adam=1 was given; expected indices into net\.weights"),
        ({"by_adam": (0.5,)}, r"by_adam=\(0\.5,\) was given; expected indices"),
        ({"by_adam": (True,)}, r"by_adam=\(True,\) was given; expected indices"),
    ],
    ids=str,
)
def test_it_refuses(settings, message):
    with pytest.raises(bpx.InputError, match=message):
        Muon(**settings)


def test_of_a_tall_matrix_and_of_a_wide_one_the_small_product_is_taken():
    net = bpx.Network([3, 41, 2], seed=0)
    said = str(net.program(batch_size=5, optimizer=Muon(by_adam=())))
    assert "(3, 3)" in said
    assert "(2, 2)" in said
    assert "(41, 41)" not in said
