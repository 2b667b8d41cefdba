"""Schedule-free training, against the paper's algorithm and against optax's."""

from math import nan

import numpy as np
import pytest

import bpx
from bpx.optim import ScheduleFreeAdamW, add_decayed_weights, chain, schedule_free
from bpx.optim.chained import adopted, averaged, averages
from tests.optim.descents import assert_same, gradients, parameters
from tests.optim.rivals import assert_follows, by_optax, each, state_of


def adamw(gamma, beta1=0.9, beta2=0.999, epsilon=1e-8, decay=0.0, warmup=0):
    """Defazio et al. 2024, algorithm 1, whose lines are numbered.

    The correction of line 8 is in the moment, as in `bpx.optim.ScheduleFreeAdamW`.
    """

    def rule(x, decays):
        z, v, y, total, t = x.copy(), 0.0 * x, x.copy(), 0.0, 0  # 2, 3
        while True:
            y = (1 - beta1) * z + beta1 * x  # 5
            t, g = t + 1, (yield y.copy(), x.copy())  # 6
            gamma_t = gamma * (min(1.0, t / warmup) if warmup else 1.0)  # 8
            total += gamma_t**2
            c = gamma_t**2 / total  # 10
            for at in np.ndindex(x.shape):
                v[at] = beta2 * v[at] + (1 - beta2) * g[at] ** 2  # 7
                size = (v[at] / (1 - beta2**t)) ** 0.5 + epsilon
                z[at] -= gamma_t * g[at] / size + gamma_t * decay * decays * y[at]  # 9
                x[at] = (1 - c) * x[at] + c * z[at]  # 11

    return each(rule)


def sgd(gamma, beta, decay, warmup=0):
    """The same without v: equations (3) to (5), with the warm-up of algorithm 1."""

    def rule(x, decays):
        z, total, t = x.copy(), 0.0, 0
        while True:
            y = (1 - beta) * z + beta * x
            t, g = t + 1, (yield y.copy(), x.copy())
            gamma_t = gamma * (min(1.0, t / warmup) if warmup else 1.0)
            total += gamma_t**2
            z = z - gamma_t * (g + decay * decays * y)
            x = (1 - gamma_t**2 / total) * x + gamma_t**2 / total * z

    return each(rule)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"decay": 0.2, "warmup": 20},
        {"beta1": 0.95, "beta2": 0.99, "epsilon": 1e-4, "decay": 0.1, "warmup": 1},
        {"beta1": 0.0},
        {"beta1": 1.0, "warmup": 100},
    ],
    ids=str,
)
def test_against_the_algorithm(target, settings):
    rule = ScheduleFreeAdamW(0.02, **settings)
    assert_follows(rule, adamw(0.02, **settings), target)


@pytest.mark.parametrize(("decay", "warmup"), [(0.0, 0), (0.1, 10)])
def test_alone_it_is_schedule_free_sgd(target, decay, warmup):
    rule = chain(add_decayed_weights(decay), schedule_free(0.3, 0.8, warmup=warmup))
    assert_follows(rule, sgd(0.3, 0.8, decay, warmup), target)


@pytest.mark.parametrize(("beta1", "beta2"), [(0.9, 0.999), (0.6, 0.99)])
def test_against_optax(beta1, beta2):
    optax = pytest.importorskip("optax", reason="the peer is optax")
    contrib = optax.contrib
    rival = by_optax(
        lambda mask: contrib.schedule_free_adamw(0.02, b1=beta1, b2=beta2, eps=1e-6),
        contrib.schedule_free_eval_params,
    )
    assert_follows(ScheduleFreeAdamW(0.02, beta1, beta2, 1e-6), rival)


def test_sgd_against_optax():
    optax = pytest.importorskip("optax", reason="the peer is optax")
    rival = by_optax(
        lambda mask: optax.contrib.schedule_free_sgd(0.3, b1=0.8, weight_decay=0.1),
        optax.contrib.schedule_free_eval_params,
    )
    # Its decay is for biases, too, which `add_decayed_weights` leaves alone.
    everywhere = bpx.optim.Transformation(lambda p: (), decayed_everywhere)
    assert_follows(chain(everywhere, schedule_free(0.3, 0.8)), rival)


def decayed_everywhere(updates, state, p):
    return bpx.optim.mapped(lambda u, w: u + 0.1 * w, updates, p), state


def test_a_rate_that_is_set_counts_from_the_next_step():
    """The weight of each step is the square of its own rate."""
    p, link = parameters(), chain(schedule_free(0.1, 1.0))
    g = gradients(p)
    _, state = link.update(g, link.init(p), p)
    state = state.having(eta=np.array([0.2]))
    _, after = link.update(g, state, p)
    for x, z, u, w in zip(after.x.w, after.z.w, g.w, p.w, strict=True):
        np.testing.assert_allclose(z, w - 0.3 * u, rtol=1e-14)
        np.testing.assert_allclose(x, 0.2 * (w - 0.1 * u) + 0.8 * z, rtol=1e-14)


def test_the_network_gets_x():
    p, other = parameters(), bpx.optim.mapped(lambda w: w + 1.0, parameters())
    rule = ScheduleFreeAdamW(0.1, warmup=10)
    state = rule.init(p)
    assert averages(rule.update)
    assert averaged(rule.update, state, p) is p
    for _ in range(4):
        _, state = rule.update(gradients(p), state, p)
    assert averaged(rule.update, state, p) is state.x
    begun = adopted(rule.update, state, other)
    assert averaged(rule.update, begun, other) is other
    assert begun.z is other
    assert begun.step.tolist() == [4.0]  # the warm-up goes on
    assert_same((begun.v, begun.t), (state.v, state.t), 0.0)
    moved, after = rule.update(gradients(other), begun, other)
    assert_same(after.x, after.z, 1e-15)
    assert_same(bpx.optim.mapped(lambda y, u: y + u, other, moved), after.x, 1e-14)


def test_its_state_has_names():
    names = {"eta", "beta", "warmup", "step", "total", "z", "x"}
    assert state_of(schedule_free(1.0)) == names
    assert state_of(ScheduleFreeAdamW()) >= names | {"epsilon", "t", "v", "decay"}


def test_equal_numbers_make_equal_optimizers_with_one_rule():
    assert ScheduleFreeAdamW(0.1) == ScheduleFreeAdamW(0.1) != ScheduleFreeAdamW(0.2)
    assert hash(schedule_free(0.1)) == hash(schedule_free(0.1))
    assert ScheduleFreeAdamW(0.1, 0.5, 0.6, 1.0, 0.7, 8).update is ScheduleFreeAdamW().update


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"eta": 0.0}, "eta=0.0 .* a positive number"),
        ({"beta1": 1.1}, r"beta1=1.1 .* a number in \[0, 1\]"),
        ({"beta2": 1.0}, r"beta2=1.0 .* a number in \[0, 1\)"),
        ({"beta2": nan}, r"beta2=nan .* a number in \[0, 1\)"),
        ({"epsilon": 0.0}, "epsilon=0.0 .* a positive number"),
        ({"decay": -1.0}, "decay=-1.0 .* a number of at least 0"),
        ({"warmup": -1}, "warmup=-1 .* a whole number of at least 0"),
        ({"warmup": 0.5}, "warmup=0.5 .* a whole number of at least 0"),
        (
            {"eta": bpx.optim.warmup_cosine(0.1, warmup=1, steps=9)},
            r"expected a number: schedule-free training takes no schedule",
        ),
    ],
    ids=["eta", "beta1", "beta2", "nan", "epsilon", "decay", "warmup", "half", "schedule"],
)
def test_it_refuses(settings, message):
    with pytest.raises(bpx.InputError, match=message):
        ScheduleFreeAdamW(**settings)


def test_the_link_names_its_own_beta():
    with pytest.raises(bpx.InputError, match=r"^beta=-0.1 .* a number in \[0, 1\]"):
        schedule_free(0.1, -0.1)
