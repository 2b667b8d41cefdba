"""Lion, against the paper's algorithm and against optax's."""

from math import nan

import numpy as np
import pytest

import bpx
from bpx.optim import Lion, scale_by_lion
from tests.optim.descents import arrays, gradients, parameters
from tests.optim.rivals import assert_follows, by_optax, each, state_of, zeros


def formula(eta, beta1=0.9, beta2=0.99, decay=0.0):
    """Chen et al. 2023, algorithm 2."""

    def rule(w, decays):
        m = 0.0 * w
        while True:
            g = yield w.copy()
            for at in np.ndindex(w.shape):
                c = beta1 * m[at] + (1 - beta1) * g[at]
                w[at] -= eta * (np.sign(c) + decay * decays * w[at])
                m[at] = beta2 * m[at] + (1 - beta2) * g[at]

    return each(rule)


@pytest.mark.parametrize(
    "settings",
    [{"decay": 0.0}, {"decay": 0.3}, {"beta1": 0.5, "beta2": 0.8, "decay": 0.0}],
    ids=str,
)
def test_against_the_formula(target, settings):
    assert_follows(Lion(0.01, **settings), formula(0.01, **settings), target)


@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_against_optax(decay):
    optax = pytest.importorskip("optax", reason="the peer is optax")
    rival = by_optax(lambda mask: optax.lion(0.01, 0.9, 0.95, weight_decay=decay, mask=mask))
    assert_follows(Lion(0.01, 0.9, 0.95, decay), rival)


def test_each_number_moves_by_one(target):
    p, link = parameters(target=target), scale_by_lion()
    moved, state = link.update(gradients(p), link.init(p), p)
    for u, g, m in zip(arrays(moved), arrays(gradients(p)), arrays(state.m), strict=True):
        np.testing.assert_array_equal(u, np.sign(g))
        np.testing.assert_allclose(m, 0.01 * g, rtol=1e-12)


def test_what_has_no_gradient_stays():
    p, link = zeros(), scale_by_lion()
    moved, _ = link.update(p, link.init(p), p)
    assert all((u == 0.0).all() for u in arrays(moved))


def test_its_state_has_names():
    assert state_of(Lion()) == {"beta1", "beta2", "m", "decay", "eta"}


def test_equal_numbers_make_equal_optimizers_with_one_rule():
    assert Lion(0.1) == Lion(0.1) != Lion(0.2)
    assert hash(scale_by_lion(0.5)) == hash(scale_by_lion(0.5))
    assert Lion(0.1, 0.5, 0.6, 0.7).update is Lion().update
    assert repr(Lion()) == "Lion(eta=0.0001, beta1=0.9, beta2=0.99, decay=0.001)"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"eta": 0.0}, "eta=0.0 .* a positive number"),
        ({"beta1": 1.0}, r"beta1=1.0 .* a number in \[0, 1\)"),
        ({"beta2": -0.1}, r"beta2=-0.1 .* a number in \[0, 1\)"),
        ({"beta2": nan}, r"beta2=nan .* a number in \[0, 1\)"),
        ({"decay": -1.0}, "decay=-1.0 .* a number of at least 0"),
    ],
    ids=str,
)
def test_it_refuses(settings, message):
    with pytest.raises(bpx.InputError, match=message):
        Lion(**settings)
