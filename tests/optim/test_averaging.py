"""The average of the parameters, against the formula, optax's and PyTorch's."""

from math import inf, nan

import numpy as np
import pytest

import bpx
from bpx.optim import SGD, average_parameters, chain
from bpx.optim.chained import adopted, averaged, averages
from tests.optim.descents import arrays, assert_same, gradients, parameters, visited
from tests.optim.rivals import assert_follows, each, state_of
from tests.optim.rivals import visited as steps_of


def formula(eta, decay):
    """The weighted mean of w after each step, with weights decay^(t − i)."""

    def rule(w, decays):
        total, weights = 0.0 * w, 0.0
        found = w.copy()
        while True:
            g = yield w.copy(), found
            w = w - eta * g
            total, weights = decay * total + w, decay * weights + 1.0
            found = total / weights

    return each(rule)


@pytest.mark.parametrize("decay", [0.0, 0.9, 0.999, 1.0])
def test_against_the_formula(target, decay):
    rule = chain(SGD(0.2), average_parameters(decay))
    assert_follows(rule, formula(0.2, decay), target)


def test_against_optax():
    """Its average of updates, without bias, of the parameters themselves."""
    optax = pytest.importorskip("optax", reason="the peer is optax")
    import jax.numpy as jnp

    ema, state = optax.ema(0.9), None
    for w, x in steps_of(chain(bpx.Adam(0.01), average_parameters(0.9))):
        p = [jnp.asarray(one) for one in w]
        state = ema.init(p) if state is None else state
        expected, state = ema.update(p, state)
        assert_same(x, tuple(map(np.asarray, expected)), 1e-12)


def test_the_mean_against_torch():
    torch = pytest.importorskip("torch", reason="the peer is torch.optim")
    from torch.optim.swa_utils import AveragedModel

    model = torch.nn.Linear(3, 2).double()
    mean, rng = AveragedModel(model), np.random.default_rng(0)
    link, p = average_parameters(1.0), bpx.Parameters.dense([np.zeros((2, 3))], [np.zeros(2)])
    state = link.init(p)
    for _ in range(20):
        w, b = rng.standard_normal((2, 3)), rng.standard_normal(2)
        with torch.no_grad():
            model.weight.copy_(torch.from_numpy(w))
            model.bias.copy_(torch.from_numpy(b))
        mean.update_parameters(model)
        u = bpx.Parameters.dense([w - p.w[0]], [b - p.b[0]])
        _, state = link.update(u, state, p)
        p = bpx.optim.mapped(lambda one, two: one + two, p, u)
        np.testing.assert_allclose(state.average.w[0], mean.module.weight.detach(), atol=1e-12)
        np.testing.assert_allclose(state.average.b[0], mean.module.bias.detach(), atol=1e-12)


def test_training_is_as_without_it(target):
    p = parameters(target=target)
    averaging = chain(bpx.Adam(0.03), average_parameters())
    assert_same(visited(averaging, p, 9)[-1], visited(bpx.Adam(0.03), p, 9)[-1], 0.0)


def test_before_the_first_step_it_is_the_parameters_themselves():
    p = parameters()
    rule = chain(SGD(0.1), average_parameters())
    assert averages(rule.update)
    assert averaged(rule.update, rule.init(p), p) is p


def test_after_other_parameters_are_set_it_begins_at_these():
    p, other = parameters(), bpx.optim.mapped(lambda w: w + 1.0, parameters())
    rule = chain(SGD(0.1), average_parameters(1.0))
    state = rule.init(p)
    for _ in range(5):
        _, state = rule.update(gradients(p), state, p)
    begun = adopted(rule.update, state, other)
    assert averaged(rule.update, begun, other) is other
    assert begun.average_weight.tolist() == [0.0]
    assert begun.eta is state.eta
    _, after = rule.update(gradients(other), begun, other)
    fresh = rule.update(gradients(other), rule.init(other), other)[1]
    assert_same(after.average, fresh.average, 0.0)


def test_other_optimizers_have_no_average():
    rule, p = bpx.Adam(), parameters()
    state = rule.init(p)
    assert not averages(rule.update)
    assert averaged(rule.update, state, p) is p
    assert adopted(rule.update, state, p) is state
    assert not averages(chain().update)


def test_of_many_networks_each_has_its_own(target):
    p = parameters(target=target, leading=(3,))
    rule = chain(SGD(0.1), average_parameters(0.5))
    state = rule.init(p)
    _, state = rule.update(gradients(p), state, p)
    for x, w, g in zip(arrays(state.average), arrays(p), arrays(gradients(p)), strict=True):
        np.testing.assert_allclose(x, w - 0.1 * g, rtol=1e-14)


def test_its_state_has_names():
    names = {"average", "average_decay", "average_weight"}
    assert state_of(average_parameters()) == names
    assert state_of(chain(bpx.AdamW(), average_parameters())) >= names


def test_equal_numbers_make_equal_links_with_one_rule():
    assert average_parameters(0.5) == average_parameters(0.5) != average_parameters(0.6)
    assert average_parameters(0.5).update is average_parameters(0.6).update


@pytest.mark.parametrize("bad", [-0.1, 1.1, nan, inf, None, "1", True])
def test_it_refuses(bad):
    with pytest.raises(bpx.InputError, match=rf"decay={bad!r} .* a number in \[0, 1\]"):
        average_parameters(bad)
