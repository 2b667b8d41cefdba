"""Adagrad, against the paper's formula and against PyTorch's."""

from math import inf, nan

import numpy as np
import pytest

import bpx
from bpx.optim import Adagrad, scale_by_rss
from tests.optim.descents import arrays, gradients, parameters
from tests.optim.rivals import assert_follows, by_torch, each, state_of, zeros


def formula(eta, initial, epsilon):
    """Duchi, Hazan and Singer 2011, figure 1, with a diagonal matrix; psi with delta I."""

    def rule(w, decays):
        s = np.full_like(w, initial)
        while True:
            g = yield w.copy()
            for at in np.ndindex(w.shape):
                s[at] += g[at] ** 2
                w[at] -= eta * g[at] / (s[at] ** 0.5 + epsilon)

    return each(rule)


@pytest.mark.parametrize("numbers", [(0.1, 0.0, 1e-10), (0.3, 0.5, 1e-3)])
def test_against_the_formula(target, numbers):
    assert_follows(Adagrad(*numbers), formula(*numbers), target)


@pytest.mark.parametrize(("initial", "epsilon"), [(0.0, 1e-10), (0.25, 1e-2)])
def test_against_torch(initial, epsilon):
    torch = pytest.importorskip("torch", reason="the peer is torch.optim")
    settings = {"initial_accumulator_value": initial, "eps": epsilon}
    rival = by_torch(lambda w, b: [torch.optim.Adagrad([*w, *b], lr=0.2, **settings)])
    assert_follows(Adagrad(0.2, initial, epsilon), rival)


def test_a_constant_gradient_fades_with_the_root_of_the_steps(target):
    p, link = parameters(target=target), scale_by_rss(epsilon=1e-14)
    state, g = link.init(p), gradients(p)
    for t in range(1, 5):
        moved, state = link.update(g, state, p)
        for u, slope in zip(arrays(moved), arrays(g), strict=True):
            np.testing.assert_allclose(u, np.sign(slope) / t**0.5, rtol=1e-10)


def test_a_gradient_of_zero_moves_nothing():
    link, p = scale_by_rss(), zeros()
    moved, _ = link.update(p, link.init(p), p)
    assert all((u == 0.0).all() for u in arrays(moved))


def test_its_state_has_names():
    assert state_of(Adagrad()) == {"epsilon", "squares", "eta"}
    state = Adagrad(0.1, 0.5).init(parameters())
    assert all((s == 0.5).all() for s in arrays(state.squares))


def test_equal_numbers_make_equal_optimizers_with_one_rule():
    assert Adagrad(0.1) == Adagrad(0.1) != Adagrad(0.2)
    assert hash(Adagrad(0.1)) == hash(Adagrad(0.1))
    assert scale_by_rss(0.1) == scale_by_rss(0.1) != scale_by_rss(0.2)
    assert Adagrad(0.1, 0.5, 1e-3).update is Adagrad(0.2).update
    assert repr(Adagrad(0.1)) == "Adagrad(eta=0.1, initial=0.0, epsilon=1e-10)"
    assert repr(scale_by_rss()) == "<bpx.optim.Transformation rss 0.0 1e-10>"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"eta": 0.0}, "eta=0.0 .* a positive number"),
        ({"initial": -1.0}, "initial=-1.0 .* a number of at least 0"),
        ({"initial": inf}, "initial=inf .* a number of at least 0"),
        ({"epsilon": 0.0}, "epsilon=0.0 .* a positive number"),
        ({"epsilon": nan}, "epsilon=nan .* a positive number"),
    ],
    ids=str,
)
def test_it_refuses(settings, message):
    with pytest.raises(bpx.InputError, match=message):
        Adagrad(**settings)
    if "eta" not in settings:
        with pytest.raises(bpx.InputError, match=message):
            scale_by_rss(**settings)
