"""Costs of numbers: where they are exact, their corners, and what their minimum is."""

import numpy as np
import pytest

import bpx
from bpx import activations, costs
from tests.backends import host


@pytest.mark.parametrize("off", [1e-6, 1e-3, 0.3, 0.999, 1.001, 30.0, 1e4])
def test_log_cosh_neither_cancels_nor_overflows(off):
    found = costs.log_cosh.value(np.float32([[off]]), np.float32([[0.0]]))[0]
    off = float(np.float32(off))
    series = off**2 / 2 - off**4 / 12 + off**6 / 45
    exact = np.log(np.cosh(off)) if 0.1 < off < 100 else series if off < 1 else off - np.log(2)
    assert found == pytest.approx(exact, rel=1e-6)


def test_at_their_corners_the_gradient_is_a_subgradient():
    a = np.array([[1.0, -2.0]])
    for cost in (costs.mae, costs.quantile(0.9)):
        assert cost.grad_a(a, a).tolist() == [[0.0, 0.0]]
    at_delta = costs.huber(0.5).grad_a(a, a - 0.5)
    assert at_delta.tolist() == [[0.5, 0.5]]


@pytest.mark.parametrize("delta", [0.0, -1.0, float("nan"), "1", True])
def test_a_delta_that_is_no_width(delta):
    with pytest.raises(bpx.InputError, match=r"delta=.* expected a positive number"):
        costs.huber(delta)


def test_huber_lies_between_the_quadratic_cost_and_the_absolute_error():
    rng = np.random.default_rng(0)
    a, y = rng.standard_normal((20, 3)), np.zeros((20, 3))
    np.testing.assert_allclose(costs.huber(100.0).value(a, y), costs.quadratic.value(a, y))
    np.testing.assert_allclose(
        costs.huber(1e-9).value(a, y) / 1e-9, costs.mae.value(a, y), rtol=1e-6
    )


def test_quantiles_share_one_target():
    """The constant of the least pinball loss is the quantile of the targets."""
    y = np.random.default_rng(0).exponential(size=2001)
    net = bpx.Network(
        [1, 3], output="identity", cost=costs.quantile(0.1, 0.5, 0.9), seed=0, dtype="float64"
    )
    x = np.zeros((len(y), 1))
    net.fit(x, y, epochs=800, batch_size=len(y), optimizer=bpx.Adam(0.02), seed=0)
    found = net.predict(x[:1])[0]
    np.testing.assert_allclose(found, np.quantile(y, [0.1, 0.5, 0.9]), atol=0.04)


def test_the_outputs_of_a_target_are_side_by_side(target):
    rng = np.random.default_rng(0)
    cost, a, y = costs.quantile(0.2, 0.7), rng.standard_normal((5, 4)), rng.random((5, 2))
    net = target.network([4, 4], output="identity", cost=cost, seed=0, dtype="float64")
    found = net.evaluate(a, y).cost
    off = np.repeat(y, 2, axis=1) - host(net.predict(a))
    q = np.array([0.2, 0.7, 0.2, 0.7])
    expected = np.maximum(q * off, (q - 1) * off).sum(axis=1).mean()
    assert found == pytest.approx(expected, rel=1e-12)
    assert found == net.evaluate(a, np.repeat(y, 2, axis=1)).cost
    settings = {"epochs": 20, "batch_size": 5, "optimizer": bpx.SGD(0.05), "seed": 0}
    history = net.fit(a, y, **settings, validation=(a, y), compile=target.value.compile)
    assert history[-1].validation.cost < 0.9 * found


@pytest.mark.parametrize("columns", [3, 5])
def test_other_columns_than_the_outputs_are_for(columns):
    net = bpx.Network([2, 4], output="identity", cost=costs.quantile(0.2, 0.7), seed=0)
    with pytest.raises(bpx.InputError, match=r"y has shape"):
        net.evaluate(np.ones((6, 2)), np.ones((6, columns)))


def test_the_minimum_of_poisson_is_at_the_mean():
    y = np.array([0.0, 1.0, 5.0])
    net = bpx.Network([1, 1], output="exponential", cost="poisson", seed=0, dtype="float64")
    x = np.zeros((3, 1))
    net.fit(x, y, epochs=300, batch_size=3, optimizer=bpx.SGD(0.2), seed=0)
    np.testing.assert_allclose(net.predict(x), 2.0, rtol=1e-6)


def test_poisson_after_softplus_is_the_same_cost():
    z = np.array([[0.3, 2.0], [-3.0, 0.0]])
    a, y = activations.softplus.sigma(z), np.array([[0.0, 4.0], [2.0, 1.0]])
    expected = (a - y * np.log(a)).sum(axis=1)
    np.testing.assert_allclose(
        costs.poisson.evaluate(activations.softplus, z, a, y), expected, rtol=1e-14
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_poisson_after_softplus_has_its_digits_where_the_rate_has_none(dtype):
    """log a goes to z, and the slope to −y: a rate that is far too low still learns."""
    z = np.array([[-12.0], [-30.0], [-88.0], [-1e4], [0.0], [1e4]], dtype=dtype)
    y, one = np.full_like(z, 3.0), np.ones_like(z)
    a = activations.softplus.sigma(z)
    found = (
        costs.poisson.evaluate(activations.softplus, z, a, y),
        costs.poisson.delta(activations.softplus, z, a, y)[:, 0],
        costs.poisson.delta_derivative(activations.softplus, z, a, y, one)[:, 0],
    )
    exact = np.longdouble(z[:, 0])
    rate = np.logaddexp(0.0, np.maximum(exact, -1000.0))
    sigma = np.exp(-np.logaddexp(0.0, -np.maximum(exact, -1000.0)))
    value = rate - 3.0 * np.where(exact < -60.0, exact, np.log(rate))
    slope, bend = sigma - 3.0 * sigma / rate, sigma * (1.0 - sigma)
    bend += 3.0 * sigma / rate * (sigma / rate - (1.0 - sigma))
    within = 1e-6 if dtype == "float32" else 1e-14
    for ours, expected in zip(found, (value, slope, bend), strict=True):
        np.testing.assert_allclose(ours, np.float64(expected), rtol=within, atol=within)


def test_poisson_is_statsmodels_deviance_up_to_the_targets_own():
    """2 (C_x(a) − C_x(y)) is the deviance of scikit-learn."""
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is compared with")
    rng = np.random.default_rng(0)
    y, a = rng.poisson(3.0, (40, 1)) + 1.0, rng.uniform(0.5, 6.0, (40, 1))
    ours = 2.0 * (costs.poisson.value(a, y) - costs.poisson.value(y, y)).mean()
    assert ours == pytest.approx(metrics.mean_poisson_deviance(y, a), rel=1e-12)


def test_negative_counts_are_refused():
    net = bpx.Network([2, 1], output="exponential", cost="poisson", seed=0)
    with pytest.raises(bpx.InputError, match=r"y is negative in row 1.*poisson expects counts"):
        net.fit(
            np.ones((3, 2)), [1.0, -2.0, 0.0], epochs=1, batch_size=2, optimizer=bpx.SGD(0.1)
        )
