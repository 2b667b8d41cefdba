"""Smoothed labels, and the KL divergence where a is nearly y."""

import numpy as np
import pytest

import bpx
from bpx import activations, costs


def test_smoothed_labels_are_those_of_pytorch():
    torch = pytest.importorskip("torch", reason="PyTorch is compared with")
    rng = np.random.default_rng(0)
    z, labels = rng.standard_normal((7, 4)), rng.integers(0, 4, 7)
    cost = costs.get(costs.cross_entropy(label_smoothing=0.1), activations.softmax)
    a = activations.softmax.sigma(z)
    ours = cost.evaluate(activations.softmax, z, a, np.eye(4)[labels])
    theirs = torch.nn.functional.cross_entropy(
        torch.from_numpy(z), torch.from_numpy(labels), label_smoothing=0.1, reduction="none"
    )
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-12)


def test_without_smoothing_it_is_the_plain_cross_entropy():
    assert costs.cross_entropy(0.0).binary is costs.binary_cross_entropy
    assert costs.cross_entropy(0).categorical is costs.categorical_cross_entropy


@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
def test_smoothing_keeps_the_accuracy(target, output):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((12, 3)), rng.integers(0, 2, 12)
    sizes = [3, 2 if output == "softmax" else 1]
    plain, smooth = (
        target.network(sizes, output=output, cost=cost, seed=0)
        for cost in ("cross_entropy", "cross_entropy(label_smoothing=0.2)")
    )
    (cost, right), (smoothed, same) = plain.evaluate(x, y), smooth.evaluate(x, y)
    assert right == same
    assert cost != smoothed


@pytest.mark.parametrize("value", [-0.1, 1.0, float("nan"), "0.1", None])
def test_a_share_that_is_none(value):
    with pytest.raises(bpx.InputError, match="label_smoothing="):
        costs.cross_entropy(value)


@pytest.mark.parametrize("step", [1e-1, 1e-2, 1e-3])
def test_kl_keeps_its_digits_near_0_in_float32(step):
    z = np.array([[0.0, 1.0, -1.0]])
    y = activations.softmax.sigma(z)
    moved = z + step * np.array([[1.0, 0.0, -1.0]])
    exact = costs.kl_divergence.value(activations.softmax.sigma(moved), y)
    pair = costs.kl_divergence.pair(activations.softmax)
    found = pair.value(np.float32(moved), np.float32(y))
    assert found == pytest.approx(exact, rel=2e-6 / step)
    at_0 = pair.value(np.float32(z), activations.softmax.sigma(np.float32(z)))
    assert 0.0 <= at_0[0] < 1e-12


def test_kl_is_the_cross_entropy_less_the_entropy():
    rng = np.random.default_rng(0)
    z, y = rng.standard_normal((5, 4)), rng.dirichlet(np.ones(4), 5)
    y[0] = [0.0, 1.0, 0.0, 0.0]
    softmax = activations.softmax
    a = softmax.sigma(z)
    entropy = -np.sum(np.where(y > 0, y * np.log(np.where(y > 0, y, 1.0)), 0.0), axis=1)
    cross = costs.categorical_cross_entropy.evaluate(softmax, z, a, y)
    found = costs.kl_divergence.evaluate(softmax, z, a, y)
    np.testing.assert_allclose(found, cross - entropy, rtol=1e-12)
    assert np.array_equal(
        costs.kl_divergence.delta(softmax, z, a, y),
        costs.categorical_cross_entropy.delta(softmax, z, a, y),
    )


def test_kl_learns_distributions():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((8, 3)), rng.dirichlet(np.ones(4), 8)
    net = bpx.Network([3, 40, 4], hidden="tanh", output="softmax", cost="kl_divergence", seed=0)
    net.fit(x, y, epochs=300, batch_size=8, optimizer=bpx.Adam(0.02), seed=0)
    assert net.evaluate(x, y).cost < 1e-3
    np.testing.assert_allclose(net.predict(x), y, atol=0.03)
