"""Pairs against plain BP1, and where plain BP1 fails."""

from math import log

import numpy as np
import pytest

from bpx import activations, costs
from bpx.costs import COSTS
from bpx.equations import bp1
from tests.costs.test_cost import each_pair, output_paired_with, regular_logits


@each_pair
def test_pair_is_the_plain_value_and_plain_bp1(cost, output, pair):
    z, a, y = regular_logits(output, cost)
    np.testing.assert_allclose(pair.value(z, y), cost.value(a, y), rtol=1e-10)
    plain = bp1(output, z, a, cost.grad_a(a, y))
    np.testing.assert_allclose(pair.delta(z, a, y), plain, rtol=1e-10, atol=1e-10)


@each_pair
def test_pairs_delta_is_the_derivative_of_its_value(cost, output, pair):
    (z, a, y), h = regular_logits(output, cost), 1e-5
    delta = pair.delta(z, a, y)
    for j in range(z.shape[1]):
        step = h * (np.arange(z.shape[1]) == j)
        slope = (pair.value(z + step, y) - pair.value(z - step, y)) / (2.0 * h)
        np.testing.assert_allclose(delta[:, j], slope, rtol=1e-6, atol=1e-8)


EXTREMES = {  # logits, targets, C_x and delta, by hand
    "binary_cross_entropy": [
        ([1e4, -1e4], [1.0, 0.0], 0.0, [0.0, 0.0]),
        ([1e4, -1e4], [0.0, 1.0], 2e4, [1.0, -1.0]),
        ([1e4, -1e4], [0.25, 0.25], 1e4, [0.75, -0.25]),
        ([1e4, 1e4], [1.0, 0.0], 1e4, [0.0, 1.0]),
    ],
    "categorical_cross_entropy": [
        ([1e4, -1e4], [1.0, 0.0], 0.0, [0.0, 0.0]),
        ([1e4, -1e4], [0.0, 1.0], 2e4, [1.0, -1.0]),
        ([1e4, 1e4], [1.0, 0.0], log(2.0), [-0.5, 0.5]),
        ([-1e4, -1e4], [0.5, 0.5], log(2.0), [0.0, 0.0]),
        ([1e4, 0.0], [0.25, 0.75], 7.5e3, [0.75, -0.75]),
    ],
}
MORE_EXTREMES = {
    "poisson": [
        ([-1e4, 0.0], [2.0, 3.0], 2e4 + 1.0, [-2.0, -2.0]),
        ([-1e4, -1e4], [0.0, 0.0], 0.0, [0.0, 0.0]),
    ],
    "kl_divergence": [
        ([1e4, -1e4], [1.0, 0.0], 0.0, [0.0, 0.0]),
        ([1e4, -1e4], [0.0, 1.0], 2e4, [1.0, -1.0]),
        ([-1e4, -1e4], [0.5, 0.5], 0.0, [0.0, 0.0]),
        ([1e4, 0.0], [0.5, 0.5], 5e3 - log(2.0), [0.5, -0.5]),
    ],
    "binary_cross_entropy(label_smoothing=0.1)": [
        ([1e4, -1e4], [1.0, 0.0], 1e3, [0.05, -0.05]),
        ([1e4, -1e4], [0.0, 1.0], 1.9e4, [0.95, -0.95]),
    ],
    "categorical_cross_entropy(label_smoothing=0.2)": [
        ([1e4, -1e4], [1.0, 0.0], 2e3, [0.1, -0.1]),
        ([1e4, -1e4], [0.0, 1.0], 1.8e4, [0.9, -0.9]),
    ],
}
extremes = pytest.mark.parametrize(
    ("cost", "case"),
    [(n, case) for n, cases in {**EXTREMES, **MORE_EXTREMES}.items() for case in cases],
    ids=str,
)


@extremes
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_pairs_are_right_where_logits_are_extreme(cost, case, dtype):
    z, y = (np.array([row], dtype=dtype) for row in case[:2])
    cost = costs.built_in(cost)
    output = output_paired_with(cost)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        a = output.sigma(z)
        value, delta = cost.evaluate(output, z, a, y), cost.delta(output, z, a, y)
    assert value.dtype == delta.dtype == dtype
    np.testing.assert_allclose(value, [case[2]], rtol=1e-6, atol=1e-30)
    # a − y is exact but for the rounding of y where labels are smoothed.
    atol = 1e-7 if "smoothing" in cost.name else 1e-30
    np.testing.assert_allclose(delta, [case[3]], rtol=1e-6, atol=atol)


@pytest.mark.parametrize("name", EXTREMES)
def test_the_plain_way_is_not(name):
    """Which is why there are pairs: the learning of a wholly wrong output stops."""
    cost = COSTS[name]
    output = output_paired_with(cost)
    z, y = np.array([[1e4, -1e4]], dtype="float32"), np.array([[0, 1]], dtype="float32")
    a = output.sigma(z)
    assert cost.value(a, y)[0] < 200.0  # not 2e4
    assert (bp1(output, z, a, cost.grad_a(a, y)) == 0.0).all()  # not 1, -1


@pytest.mark.parametrize("z", [5.0, 10.0, 15.0, 30.0])
def test_the_binary_pair_keeps_small_costs_in_float32(z):
    """softplus(z) − y z would cancel: 0.8 % off at z = 10, nothing left at 30."""
    one = np.float32([[1.0]])
    cost = costs.binary_cross_entropy.evaluate(activations.sigmoid, np.float32([[z]]), one, one)
    np.testing.assert_allclose(cost, np.log1p(np.exp(-z)), rtol=1e-5)
