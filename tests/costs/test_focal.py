"""The focal loss: against the cross-entropy and PyTorch, and where logits are extreme."""

import numpy as np
import pytest

import bpx
from bpx import activations, costs

sigmoid, softmax = activations.sigmoid, activations.softmax


@pytest.mark.parametrize(
    ("cost", "plain", "output"),
    [
        (costs.binary_focal(0.0), costs.binary_cross_entropy, sigmoid),
        (costs.categorical_focal(0.0), costs.categorical_cross_entropy, softmax),
    ],
)
def test_with_gamma_0_it_is_the_cross_entropy(cost, plain, output):
    rng = np.random.default_rng(0)
    z, y, v = rng.standard_normal((6, 3)), np.eye(3)[[0, 1, 2, 2, 1, 0]], rng.random((6, 3))
    a = output.sigma(z)
    for part in ("evaluate", "delta"):
        ours, theirs = (getattr(each, part)(output, z, a, y) for each in (cost, plain))
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    ours, theirs = (each.delta_derivative(output, z, a, y, v) for each in (cost, plain))
    np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-14)


def test_it_is_that_of_torchvision():
    """sigmoid_focal_loss: alpha_t (1 − p_t)^gamma times the binary cross-entropy."""
    torch = pytest.importorskip("torch", reason="PyTorch is compared with")
    rng = np.random.default_rng(0)
    z, y = rng.standard_normal((9, 2)), rng.integers(0, 2, (9, 2)).astype(float)
    logits, targets = torch.from_numpy(z).requires_grad_(), torch.from_numpy(y)
    p = torch.sigmoid(logits)
    ce = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    p_t = p * targets + (1 - p) * (1 - targets)
    loss = (0.25 * targets + 0.75 * (1 - targets)) * ce * (1 - p_t) ** 2
    loss.sum().backward()
    cost, a = costs.binary_focal(alpha=0.25), sigmoid.sigma(z)
    np.testing.assert_allclose(
        cost.evaluate(sigmoid, z, a, y), loss.detach().sum(1), rtol=1e-12
    )
    np.testing.assert_allclose(cost.delta(sigmoid, z, a, y), logits.grad, rtol=1e-11)


def test_the_more_gamma_the_less_count_right_answers():
    z, y = np.array([[2.0], [-2.0]]), np.ones((2, 1))
    right, wrong = (
        [costs.binary_focal(g).evaluate(sigmoid, z, sigmoid.sigma(z), y)[i] for g in (0, 1, 2)]
        for i in (0, 1)
    )
    assert right[0] > 8 * right[1] > 60 * right[2]
    assert wrong[0] < 2 * wrong[2]


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 5.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [20.0, 90.0, 1e4])
def test_extreme_logits(gamma, dtype, size):
    """A confident mistake keeps its cost and its error; a right answer costs nothing."""
    z, v = np.array([[size, -size]], dtype=dtype), np.ones((1, 2), dtype)
    for cost, output in (
        (costs.binary_focal(gamma), sigmoid),
        (costs.categorical_focal(gamma), softmax),
    ):
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            a = output.sigma(z)
            for y, value, delta in (([[0, 1]], 2 * size, [[1, -1]]), ([[1, 0]], 0, [[0, 0]])):
                y = np.array(y, dtype)
                found = cost.evaluate(output, z, a, y), cost.delta(output, z, a, y)
                np.testing.assert_allclose(found[0], [value], rtol=1e-5, atol=1e-6)
                np.testing.assert_allclose(found[1], delta, rtol=1e-5, atol=1e-6)
                assert np.isfinite(cost.delta_derivative(output, z, a, y, v)).all()
                assert np.isfinite(cost.gauss_newton(output, z, a, y, v)).all()


@pytest.mark.parametrize("method", ["delta_derivative", "gauss_newton"])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("gap", [2.0, 20.0, 40.0])
def test_the_curvature_of_a_confident_answer(method, gamma, dtype, gap):
    """Two outputs after softmax are one after sigmoid, of which z is their difference."""
    for sign in (1, -1):
        z, v = np.array([[sign * gap, 0.0]], dtype), np.array([[0.75, -1.5]], dtype)
        difference, y = z[:, :1] - z[:, 1:], np.array([[1, 0]], dtype)
        found = getattr(costs.categorical_focal(gamma), method)(
            softmax, z, softmax.sigma(z), y, v
        )
        one = getattr(costs.binary_focal(gamma), method)(
            sigmoid, difference, sigmoid.sigma(difference), y[:, :1], v[:, :1] - v[:, 1:]
        )
        rtol = 1e-4 if dtype == "float32" else 1e-12
        np.testing.assert_allclose(found, [[one[0, 0], -one[0, 0]]], rtol=rtol)


@pytest.mark.parametrize("method", ["delta_derivative", "gauss_newton"])
def test_the_curvature_in_float32_is_that_in_float64(method):
    """Also where several outputs are the largest, and for targets between 0 and 1."""
    rng = np.random.default_rng(0)
    z, v = 12.0 * rng.standard_normal((400, 4)), rng.standard_normal((400, 4))
    z[::10, 1] = z[::10].max(1)
    y = np.eye(4)[rng.integers(0, 4, 400)]
    y[::7] = 0.9 * y[::7] + 0.025
    cost = costs.categorical_focal(0.5)
    found = []
    for dtype in ("float32", "float64"):
        z, y, v = (each.astype("float32").astype(dtype) for each in (z, y, v))
        found.append(getattr(cost, method)(softmax, z, softmax.sigma(z), y, v))
    np.testing.assert_allclose(*found, rtol=1e-3, atol=1e-6)


def test_its_curvature_may_be_negative_but_the_gauss_newton_matrix_never():
    z, y, v = np.array([[-3.0]]), np.array([[1.0]]), np.array([[1.0]])
    cost, a = costs.binary_focal(), sigmoid.sigma(np.array([[-3.0]]))
    assert cost.delta_derivative(sigmoid, z, a, y, v) < 0.0
    assert cost.gauss_newton(sigmoid, z, a, y, v) > 0.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: costs.focal(-0.5), "gamma=-0.5 was given; expected a number of at least 0"),
        (lambda: costs.binary_focal(2.0, 0.0), "alpha=0.0 was given"),
        (lambda: costs.categorical_focal("2"), "gamma='2' was given"),
    ],
)
def test_parameters_out_of_range(make, message):
    with pytest.raises(bpx.InputError, match=message):
        make()
