"""RMSprop and its links, against the formulas, PyTorch's and optax's."""

from math import nan

import numpy as np
import pytest

import bpx
from bpx.optim import RMSprop, chain, mapped, scale, scale_by_rms, scale_by_stddev
from tests.optim.descents import arrays, assert_same, parameters, visited
from tests.optim.rivals import assert_follows, by_optax, by_torch, each, state_of, zeros

KINDS = {
    "plain": {},
    "momentum": {"momentum": 0.8},
    "centred": {"centred": True},
    "both": {"momentum": 0.8, "centred": True, "beta": 0.99, "epsilon": 1e-3},
}
each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def formula(eta, beta=0.9, epsilon=1e-8, momentum=0.0, centred=False):
    """Tieleman and Hinton 2012, slide 29; Graves 2013, (38) to (41), with epsilon as there."""

    def rule(w, decays):
        m, v, step = 0.0 * w, 0.0 * w, 0.0 * w
        while True:
            g = yield w.copy()
            for at in np.ndindex(w.shape):
                v[at] = beta * v[at] + (1 - beta) * g[at] ** 2
                m[at] = beta * m[at] + (1 - beta) * g[at] if centred else 0.0
                size = (v[at] - m[at] ** 2) ** 0.5 + epsilon
                step[at] = momentum * step[at] - eta * g[at] / size
                w[at] += step[at]

    return each(rule)


@each_kind
def test_against_the_formula(target, kind):
    assert_follows(RMSprop(0.01, **kind), formula(0.01, **kind), target)


@each_kind
def test_against_torch(kind):
    torch = pytest.importorskip("torch", reason="the peer is torch.optim")
    settings = {"alpha": kind.get("beta", 0.9), "eps": kind.get("epsilon", 1e-8)}
    settings |= {"momentum": kind.get("momentum", 0.0), "centered": "centred" in kind}
    rival = by_torch(lambda w, b: [torch.optim.RMSprop([*w, *b], lr=0.01, **settings)])
    assert_follows(RMSprop(0.01, **kind), rival)


@each_kind
def test_against_optax(kind):
    optax = pytest.importorskip("optax", reason="the peer is optax")
    settings = {"decay": kind.get("beta", 0.9), "eps": kind.get("epsilon", 1e-8)}
    settings |= {"momentum": kind.get("momentum"), "centered": "centred" in kind}
    rival = by_optax(lambda mask: optax.rmsprop(0.01, eps_in_sqrt=False, **settings))
    assert_follows(RMSprop(0.01, **kind), rival)


def test_the_correction_against_optax():
    optax = pytest.importorskip("optax", reason="the peer is optax")
    how = {"eps_in_sqrt": False, "bias_correction": True}
    rule = chain(scale_by_rms(0.95, 1e-4, bias_correction=True), scale(-0.02))
    rival = by_optax(
        lambda mask: optax.chain(optax.scale_by_rms(0.95, 1e-4, **how), optax.scale(-0.02))
    )
    assert_follows(rule, rival)


def test_the_correction_is_that_of_adam(target):
    """Adam without its first moment."""
    p = parameters(target=target)
    corrected = chain(scale_by_rms(0.9, bias_correction=True), scale(-0.01))
    with np.errstate(divide="ignore"):  # of log 0
        expected = visited(bpx.Adam(0.01, beta1=0.0, beta2=0.9), p, 20)
    assert_same(visited(corrected, p, 20)[-1], expected[-1], 1e-14)


def test_a_gradient_that_never_changes_has_no_deviation(target):
    """v − m² goes to 0, and is never below it."""
    link, p = scale_by_stddev(0.5, 1.0), parameters("float32", target)
    state, g = link.init(p), mapped(lambda w: 0.0 * w + 1.1, p)
    for _ in range(60):
        moved, state = link.update(g, state, p)
        assert all(np.isfinite(u).all() for u in arrays(moved))
    for u in arrays(moved):
        np.testing.assert_allclose(u, 1.1, rtol=1e-6)


def test_a_small_deviation_of_a_large_gradient_does_not_cancel(target):
    """float32 has no digit of v − m² left, which is 1e-8 of v."""
    link, p = scale_by_stddev(0.9, 1e-8), parameters("float32", target)
    state, m, v = link.init(p), 0.0, 0.0
    for t in range(400):
        g = 1.0 + (1e-4 if t % 2 else -1e-4)
        moved, state = link.update(mapped(lambda w, g=g: 0.0 * w + g, p), state, p)
        m, v = 0.9 * m + 0.1 * g, 0.9 * v + 0.1 * g * g
        expected = g / ((v - m * m) ** 0.5 + 1e-8)
    for u in arrays(moved):
        np.testing.assert_allclose(u, expected, rtol=1e-2)


@pytest.mark.parametrize("link", [scale_by_rms(), scale_by_stddev()])
def test_a_gradient_of_zero_moves_nothing(link):
    p = zeros()
    moved, _ = link.update(p, link.init(p), p)
    assert all((u == 0.0).all() for u in arrays(moved))


def test_its_state_has_names():
    assert state_of(RMSprop()) == {"beta", "epsilon", "v", "eta"}
    assert state_of(RMSprop(momentum=0.9)) == {"beta", "epsilon", "v", "eta", "mu", "velocity"}
    assert state_of(RMSprop(centred=True)) == {"beta", "epsilon", "m", "s", "eta"}
    assert state_of(scale_by_rms(bias_correction=True)) == {"beta", "epsilon", "t", "v"}


def test_equal_numbers_make_equal_optimizers_with_one_rule():
    assert RMSprop(0.1) == RMSprop(0.1) != RMSprop(0.2)
    assert scale_by_rms(0.5) == scale_by_rms(0.5) != scale_by_rms(0.6)
    assert RMSprop(0.1, 0.5, 1e-3).update is RMSprop().update
    others = [RMSprop(momentum=0.5), RMSprop(centred=True), RMSprop()]
    assert len({each.update for each in others}) == 3
    assert repr(scale_by_stddev()) == "<bpx.optim.Transformation stddev 0.9 1e-08>"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"eta": -1.0}, "eta=-1.0 .* a positive number"),
        ({"beta": 1.0}, r"beta=1.0 .* a number in \[0, 1\)"),
        ({"beta": nan}, r"beta=nan .* a number in \[0, 1\)"),
        ({"epsilon": 0.0}, "epsilon=0.0 .* a positive number"),
        ({"momentum": 1.0}, r"momentum=1.0 .* a number in \[0, 1\)"),
        ({"momentum": -0.5}, r"momentum=-0.5 .* a number in \[0, 1\)"),
    ],
    ids=str,
)
def test_it_refuses(settings, message):
    with pytest.raises(bpx.InputError, match=message):
        RMSprop(**settings)


def test_a_standard_deviation_needs_a_beta_above_0():
    """With 0 the mean is the gradient, and every update would be g / epsilon."""
    assert RMSprop(beta=0.0).transformations
    for make in (scale_by_stddev, lambda b: RMSprop(beta=b, centred=True)):
        with pytest.raises(bpx.InputError, match=r"beta=0.0 .* a number in \(0, 1\): with 0"):
            make(0.0)
