"""Random samples, drawn from a seed, the same everywhere."""

import numpy as np
import pytest

from bpx import costs
from bpx.arrays.home import select
from bpx.inspect import check
from bpx.inspect.checks.draws import Draws, sums_to_one
from tests.backends import host


def test_the_points_are_those_of_the_seed():
    first, again, other = (check("gelu_tanh", seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first != other


def draws(target=None, dtype="float64", seed=0):
    return Draws(select(target.spec if target else "numpy", dtype), seed)


KINDS = {
    "normal": lambda d: d.normal(4, 3),
    "uniform": lambda d: d.uniform(4, 3),
    "signs": lambda d: d.signs(4, 3),
    "widely": lambda d: d.widely(4, 3),
    "targets": lambda d: d.targets(costs.categorical_cross_entropy, 4, 3),
}


@pytest.mark.parametrize("kind", KINDS)
def test_they_are_the_same_at_every_home(target, kind):
    for dtype in ("float32", "float64"):
        there = KINDS[kind](draws(target, dtype))
        assert select(target.spec, dtype).owns(there)
        assert str(there.dtype).endswith(dtype)
        expected = KINDS[kind](draws()).astype(dtype)
        np.testing.assert_allclose(host(there), expected, rtol=1e-6)


def test_each_array_is_of_a_stream_of_its_own():
    drawn = draws()
    first, second = drawn.normal(200, 5), drawn.normal(200, 5)
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.1
    np.testing.assert_array_equal(first, draws().normal(200, 5))
    assert not np.array_equal(first, draws(seed=1).normal(200, 5))


def test_numbers_are_within_their_bounds():
    uniform, signs = draws().uniform(2000), draws().signs(2000)
    assert 0.05 <= uniform.min() < 0.06
    assert 0.94 < uniform.max() < 0.95
    assert set(signs.tolist()) == {-1.0, 1.0}
    assert abs(signs.mean()) < 0.1
    scales = np.abs(draws().widely(100, 50)).mean(axis=1)
    assert scales[:10].mean() < 0.01
    assert scales[-10:].mean() > 5.0


@pytest.mark.parametrize("name", costs.COSTS)
def test_targets_are_such_as_the_cost_has_a_meaning_for(name):
    cost = costs.COSTS[name]
    y = draws().targets(cost, 50, 4)
    assert y.shape == (50, 4)
    if cost.targets in ("distribution", "one_hot"):
        np.testing.assert_allclose(y.sum(axis=1), 1.0)
    if cost.targets in ("binary", "one_hot"):
        assert {*y.flat} == {0.0, 1.0}
    else:
        assert (y.min() > 0.0 and y.max() < 1.0) == (cost.targets != "real")
    assert np.isfinite(cost.value(sums_to_one(draws().uniform(50, 4)), y)).all()
