"""The rules that read the costs of a rising learning rate, on costs that are made up."""

from math import exp, inf, nan

import numpy as np
import pytest

from bpx.training.suggestions import DECAY, RULES, Divergence, smoothed, suggested

ETAS = list(np.geomspace(1e-5, 10.0, 121))  # 20 steps in a decade


def has_diverged(given):
    return any(map(Divergence().reached, given))


def costs(fall=1e-2, rise=1.0):
    """A fall around one learning rate, and a rise around another, both as wide as a decade."""
    decades = np.log10(ETAS)
    down = 1.0 / (1.0 + np.exp(-4.0 * (decades - np.log10(fall))))
    up = np.exp(4.0 * (decades - np.log10(rise)))
    return list(2.0 - 1.5 * down + 0.5 * up)


@pytest.mark.parametrize("fall", [1e-3, 1e-2, 5e-2])
def test_the_steepest_place_is_where_the_cost_falls(fall):
    assert suggested("steepest", ETAS, costs(fall)) == pytest.approx(fall, rel=0.15)
    assert suggested("steepest", ETAS, smoothed(costs(fall))) == pytest.approx(fall, rel=0.5)


def test_a_cost_that_falls_to_the_end():
    falling = [8.0, 7.0, 4.0, 3.0, 2.5]
    assert suggested("steepest", ETAS[:5], falling) == ETAS[1]
    assert suggested("valley", ETAS[:5], falling) == ETAS[1]


def test_a_tenth_of_the_minimum():
    lowest = ETAS[int(np.argmin(costs()))]
    found = suggested("minimum", ETAS, costs())
    assert 0.085 * lowest < found <= 0.1 * lowest * (1 + 1e-12)


def test_the_valley_is_fastais():
    """Its own algorithm, word for word."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        losses = list(np.array(costs()) + 0.2 * rng.standard_normal(len(ETAS)))
        n, start, end = len(losses), 0, 0
        lds = [1] * n
        for i in range(1, n):
            for j in range(i):
                if losses[i] < losses[j] and lds[i] < lds[j] + 1:
                    lds[i] = lds[j] + 1
                if lds[end] < lds[i]:
                    end = i
                    start = end - lds[end]
        third = (end - start) / 3
        expected = ETAS[start + int(third) + int(third / 2)]
        assert suggested("valley", ETAS, losses) == expected


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("given", [[], [1.0], [1.0, 1.0, 1.0], [1.0, 2.0, 3.0, 4.0]])
def test_there_is_none_if_the_cost_never_falls(rule, given):
    assert suggested(rule, ETAS[: len(given)], given) is None


def test_a_mean_looks_to_both_sides():
    ramp = list(np.linspace(2.0, 1.0, 200))
    np.testing.assert_allclose(smoothed(ramp)[60:140], ramp[60:140], atol=1e-3)
    step = [1.0] * 50 + [0.0] * 50
    found = smoothed(step)
    assert found[49] + found[50] == pytest.approx(1.0, abs=0.01)
    assert found == sorted(found, reverse=True)
    assert smoothed([]) == []
    assert smoothed([2.0]) == [2.0]


def test_a_mean_weighs_the_other_costs_by_their_distance():
    given = list(np.random.default_rng(0).random(300))
    steps = np.arange(300)
    weights = DECAY ** np.abs(steps[:, None] - steps)
    most = max(given[: int(np.argmin(given)) + 1])
    expected = weights @ np.minimum(given, most) / weights.sum(axis=1)
    np.testing.assert_allclose(smoothed(given), expected, rtol=1e-13)


def test_costs_that_explode_do_not_hide_the_ones_before():
    calm = costs(rise=1e9)
    wild = [*calm[:-2], 1e30, inf]
    np.testing.assert_allclose(smoothed(wild)[:60], smoothed(calm)[:60], atol=0.01)
    assert max(smoothed(wild)) <= max(calm)
    assert suggested("steepest", ETAS, smoothed(wild)) == pytest.approx(1e-2, rel=0.5)


def test_what_has_diverged():
    assert not has_diverged([])
    assert not has_diverged([1.0, 3.0, 0.5, 2.0])
    assert has_diverged([1.0, nan])
    assert has_diverged([1.0, inf])
    assert has_diverged([1.0] * 20 + [25.0, 25.0])
    assert not has_diverged([1.0] * 20 + [25.0])  # a single batch, of which the mean is low
    assert not has_diverged([0.01, *[1.0] * 30])  # the first one was low by chance
    falling = [exp(-i / 10) for i in range(40)]
    assert not has_diverged(falling)
    assert not has_diverged([*falling, 5.0])
    assert has_diverged(falling + [5.0] * 20)
    below_0 = [cost - 0.5 for cost in falling]
    assert not has_diverged([*below_0, 0.1, 0.2])
    assert has_diverged(below_0 + [5.0] * 20)
