"""Momentum and Adam's moments, as links, against the formulas; AdamW against PyTorch's."""

from math import inf, nan
from typing import NamedTuple

import numpy as np
import pytest

import bpx
from bpx.model.parameters import Parameters
from bpx.optim import (
    Adam,
    AdamW,
    add_decayed_weights,
    chain,
    momentum,
    scale,
    scale_by_adam,
    scale_by_learning_rate,
)
from bpx.program.contract import leaves
from tests.optim.descents import arrays, assert_same, gradients, parameters, slope, visited

STEPS = 30


def handed_on(link, p, steps=3):
    """What a link gives for the gradients at p, each time the same, and its last state."""
    state, seen, g = link.init(p), [], gradients(p)
    for _ in range(steps):
        updates, state = link.update(g, state, p)
        seen.append(updates)
    return seen, state


# Momentum


class Fading(NamedTuple):
    start: float


def faded(t, numbers):
    return numbers.start / (t + 1.0)


@pytest.mark.parametrize("nesterov", [False, True])
def test_a_momentum_may_follow_a_schedule(target, nesterov):
    """mu is 0.8, 0.4, 0.8 / 3, ... at the steps."""
    p = parameters(target=target)
    mu = bpx.optim.Schedule(faded, Fading(0.8))
    seen, state = handed_on(momentum(mu, nesterov=nesterov), p, STEPS)
    for at, g in enumerate(arrays(gradients(p))):
        velocity = 0.0 * g
        for t, updates in enumerate(seen):
            velocity = 0.8 / (t + 1) * velocity + g
            expected = 0.8 / (t + 1) * velocity + g if nesterov else velocity
            np.testing.assert_allclose(arrays(updates)[at], expected, rtol=1e-13)
        np.testing.assert_allclose(arrays(state.velocity)[at], velocity, rtol=1e-13)
    assert int(state.steps[0]) == STEPS


@pytest.mark.parametrize("nesterov", [False, True])
def test_a_constant_schedule_of_the_momentum_changes_nothing(nesterov):
    constant, p = bpx.optim.constant_schedule(0.9), parameters()
    one, other = (bpx.SGD(0.05, mu, nesterov) for mu in (constant, 0.9))
    assert_same(visited(one, p, STEPS)[-1], visited(other, p, STEPS)[-1], 0.0)
    rms = [bpx.optim.RMSprop(0.01, momentum=mu) for mu in (constant, 0.9)]
    assert_same(*(visited(rule, p, STEPS)[-1] for rule in rms), 0.0)


def test_other_numbers_of_a_schedule_are_the_same_rule():
    one, other = (momentum(bpx.optim.Schedule(faded, Fading(mu))) for mu in (0.8, 0.4))
    assert one.update == other.update
    assert one.update != momentum(0.8).update
    looking = momentum(bpx.optim.Schedule(faded, Fading(0.8)), nesterov=True)
    assert looking.update != one.update


def test_momentum_is_a_sum_that_fades(target):
    p = parameters(target=target)
    seen, state = handed_on(momentum(0.5), p)
    g = arrays(gradients(p))
    for updates, times in zip(seen, (1.0, 1.5, 1.75), strict=True):
        for u, each in zip(arrays(updates), g, strict=True):
            np.testing.assert_allclose(u, times * each, rtol=1e-14)
    assert_same(state.velocity, seen[-1], 0.0)
    assert float(state.mu[0]) == 0.5


def test_nesterov_looks_one_step_further(target):
    p = parameters(target=target)
    seen, state = handed_on(momentum(0.5, nesterov=True), p)
    g = arrays(gradients(p))
    for updates, times in zip(seen, (1.5, 1.75, 1.875), strict=True):
        for u, each in zip(arrays(updates), g, strict=True):
            np.testing.assert_allclose(u, times * each, rtol=1e-14)
    for v, each in zip(arrays(state.velocity), g, strict=True):
        np.testing.assert_allclose(v, 1.75 * each, rtol=1e-14)


@pytest.mark.parametrize("nesterov", [False, True])
def test_behind_a_learning_rate_it_is_sgds(nesterov):
    linked = chain(scale_by_learning_rate(0.05), momentum(0.9, nesterov=nesterov))
    named = bpx.SGD(0.05, momentum=0.9, nesterov=nesterov)
    assert linked.update is named.update
    p = parameters()
    assert_same(visited(linked, p, STEPS)[-1], visited(named, p, STEPS)[-1], 0.0)


def test_no_momentum_hands_the_updates_on():
    p = parameters()
    for nesterov in (False, True):
        seen, _ = handed_on(momentum(0.0, nesterov=nesterov), p)
        assert_same(seen[-1], gradients(p), 0.0)


@pytest.mark.parametrize("bad", [1.0, -0.1, nan, inf, None, "0.9", True])
def test_momentum_refuses(bad):
    with pytest.raises(bpx.InputError, match=rf"momentum={bad!r} .* a number in \[0, 1\)"):
        momentum(bad)


# Adam


def test_scale_by_adam_is_the_papers_without_its_learning_rate(target):
    p = parameters(target=target)
    seen, state = handed_on(scale_by_adam(0.8, 0.95, 1e-3), p, steps=5)
    for at, g in enumerate(arrays(gradients(p))):
        m, v = 0.0 * g, 0.0 * g
        for t in range(1, 6):
            m, v = 0.8 * m + 0.2 * g, 0.95 * v + 0.05 * g**2
            m_hat, v_hat = m / (1.0 - 0.8**t), v / (1.0 - 0.95**t)
            found = arrays(seen[t - 1])[at]
            np.testing.assert_allclose(found, m_hat / (np.sqrt(v_hat) + 1e-3), rtol=1e-12)
        np.testing.assert_allclose(arrays(state.m)[at], m, rtol=1e-12)
        np.testing.assert_allclose(arrays(state.v)[at], v, rtol=1e-12)
    assert float(state.t[0]) == 5.0


def test_of_a_constant_gradient_each_step_is_its_sign():
    p = parameters()
    seen, _ = handed_on(scale_by_adam(epsilon=1e-12), p, steps=20)
    for updates in seen:
        for u, g in zip(arrays(updates), arrays(gradients(p)), strict=True):
            np.testing.assert_allclose(u, np.sign(g), rtol=1e-9)


def test_a_factor_of_the_same_rule():
    p, link = parameters(), scale_by_adam()
    g, state = gradients(p), link.init(p)
    factor = np.array([-0.25])
    scaled, after = link.update.scaled(g, state, p, factor)
    plain, expected = link.update(g, state, p)
    assert_same(scaled, bpx.optim.mapped(lambda u: -0.25 * u, plain), 1e-15)
    assert_same(after, expected, 0.0)


def test_engines_know_it_by_name():
    assert scale_by_adam().update.known == "adam"
    assert scale_by_adam(0.5).update == scale_by_adam().update
    assert not hasattr(momentum(0.5).update, "known")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"beta1": 1.0}, r"beta1=1.0 .* a number in \[0, 1\)"),
        ({"beta2": -0.5}, r"beta2=-0.5 .* a number in \[0, 1\)"),
        ({"beta2": nan}, r"beta2=nan .* a number in \[0, 1\)"),
        ({"epsilon": 0.0}, "epsilon=0.0 .* a positive number"),
        ({"epsilon": "1e-8"}, "epsilon='1e-8' .* a positive number"),
    ],
    ids=str,
)
@pytest.mark.parametrize("make", [scale_by_adam, Adam, AdamW])
def test_adam_refuses(make, settings, message):
    with pytest.raises(bpx.InputError, match=message):
        make(**settings)


# AdamW


def by_adamw(w, decay, eta=0.03, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """Loshchilov and Hutter 2019, algorithm 2, without a schedule multiplier."""
    m, v, t = 0.0 * w, 0.0 * w, 0
    while True:
        t, g = t + 1, slope(w)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        w = w - eta * (m_hat / (np.sqrt(v_hat) + epsilon) + decay * w)
        yield w


@pytest.mark.parametrize("decay", [0.0, 0.01, 0.5])
def test_adamw_against_the_formula(decay):
    p = parameters()
    weights = [by_adamw(w, decay) for w in p.w]
    biases = [by_adamw(b, 0.0) for b in p.b]  # without the decay
    for seen in visited(AdamW(0.03, decay=decay), p, STEPS):
        expected = [next(w) for w in weights], [next(b) for b in biases]
        assert_same(seen, Parameters.dense(*expected), 1e-12)


@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.7, 0.9)])
def test_adamw_against_torch(betas):
    torch = pytest.importorskip("torch", reason="the peer is torch.optim")
    p = parameters()
    w, b = (
        [torch.from_numpy(each.copy()).requires_grad_() for each in those]
        for those in (p.w, p.b)
    )
    groups = [{"params": w, "weight_decay": 0.2}, {"params": b, "weight_decay": 0.0}]
    peer = torch.optim.AdamW(groups, lr=0.03, betas=betas, eps=1e-6)
    rule = AdamW(0.03, *betas, epsilon=1e-6, decay=0.2)
    for seen in visited(rule, p, STEPS):
        for tensor in (*w, *b):
            tensor.grad = slope(tensor.detach())
        peer.step()
        expected = ([each.detach().numpy() for each in those] for those in (w, b))
        assert_same(seen, Parameters.dense(*expected), 1e-12)


def test_adamw_without_decay_is_adam():
    p = parameters()
    assert_same(
        visited(AdamW(0.03, decay=0.0), p, STEPS)[-1], visited(Adam(0.03), p, STEPS)[-1], 1e-13
    )


def test_adamw_is_its_links():
    p = parameters()
    linked = chain(scale_by_adam(), add_decayed_weights(0.1), scale(-0.03))
    named = AdamW(0.03, decay=0.1)
    assert_same(visited(linked, p, STEPS)[-1], visited(named, p, STEPS)[-1], 1e-14)


def test_decay_is_kept_out_of_the_moments():
    p = parameters()
    _, decayed = handed_on(chain(AdamW(0.03, decay=0.5)), p)
    _, plain = handed_on(chain(Adam(0.03)), p)
    assert_same((decayed.m, decayed.v), (plain.m, plain.v), 0.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"decay": -0.1}, "decay=-0.1 .* a number of at least 0"),
        ({"decay": nan}, "decay=nan .* a number of at least 0"),
        ({"eta": 0.0}, "eta=0.0 .* a positive number"),
    ],
    ids=str,
)
def test_adamw_refuses(settings, message):
    with pytest.raises(bpx.InputError, match=message):
        AdamW(**settings)


# Beginnings


@pytest.mark.parametrize("link", [momentum(0.9), scale_by_adam()], ids=["momentum", "adam"])
def test_the_moments_begin_at_zero(target, link):
    p = parameters("float32", target)
    state = link.init(p)
    moments = [
        each for field in ("velocity", "m", "v") for each in leaves(getattr(state, field, ()))
    ]
    assert len(moments) % 4 == 0
    assert moments
    assert all((each == 0.0).all() for each in arrays(tuple(moments)))
    assert {each.dtype for each in moments} == {p.w[0].dtype}


@pytest.mark.parametrize("name", ["beta1", "beta2"])
def test_a_rate_of_0_is_no_average(target, name):
    """As in RMSProp, without the first: the range [0, 1) has it."""
    p = parameters(target=target)
    with np.errstate(divide="ignore"):  # log 0 is −inf, and 1 − beta^t is 1 as it should be
        seen, state = handed_on(scale_by_adam(**{name: 0.0}), p)
    kept = state.m if name == "beta1" else state.v
    for each, g in zip(arrays(kept), arrays(gradients(p)), strict=True):
        np.testing.assert_allclose(each, g if name == "beta1" else g**2, rtol=1e-14)
    assert all(np.isfinite(u).all() for u in arrays(seen[-1]))
