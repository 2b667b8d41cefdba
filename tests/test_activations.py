"""Activations against other formulas of the same functions, and their derivatives."""

import numpy as np
import pytest

import bpx
from bpx import activations
from bpx.activations import ACTIVATIONS, Elementwise, Rowwise

ELEMENTWISE = sorted(set(ACTIVATIONS) - {"softmax"})
KINKED = {"relu", "leaky_relu", "elu"}

elementwise = pytest.mark.parametrize("name", ELEMENTWISE)
dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])


def logistic(z):
    return np.exp(-np.logaddexp(0.0, -z))


# Written otherwise than in the library, each from its definition.
FORMULAS = {
    "identity": lambda z: 1.0 * z,
    "sigmoid": logistic,
    "tanh": lambda z: 2.0 * logistic(2.0 * z) - 1.0,
    "relu": lambda z: np.where(z > 0, z, 0.0),
    "leaky_relu": lambda z: np.where(z > 0, z, z / 100.0),
    "elu": lambda z: np.where(z > 0, z, np.exp(np.minimum(z, 0.0)) - 1.0),
    "softplus": lambda z: np.logaddexp(0.0, z),
    "gelu_tanh": lambda z: z * logistic(2.0 * np.sqrt(2.0 / np.pi) * (z + 0.044715 * z**3)),
    "silu": lambda z: z * logistic(z),
    "exponential": lambda z: np.e**z,
}
LIMITS = {  # sigma and sigma' at z = -1e4, then at z = 1e4
    "identity": (-1e4, 1.0, 1e4, 1.0),
    "sigmoid": (0.0, 0.0, 1.0, 0.0),
    "tanh": (-1.0, 0.0, 1.0, 0.0),
    "relu": (0.0, 0.0, 1e4, 1.0),
    "leaky_relu": (-1e2, 0.01, 1e4, 1.0),
    "elu": (-1.0, 0.0, 1e4, 1.0),
    "softplus": (0.0, 0.0, 1e4, 1.0),
    "gelu_tanh": (0.0, 0.0, 1e4, 1.0),
    "silu": (0.0, 0.0, 1e4, 1.0),
    "exponential": (0.0, 0.0, np.exp(80.0), np.exp(80.0)),
}
LARGEST = {"exponential": 80.0}  # beyond, exp overflows in float32


def points(dtype="float64"):
    """From -30 to 30, and denser near 0, none nearer to 0 than 1e-3."""
    z = np.concatenate([np.linspace(-30, 30, 201) + 0.013, np.linspace(-6, 6, 601) + 0.003])
    assert np.abs(z).min() > 1e-3
    return z.astype(dtype)[:, None]


def sigma_and_prime(name, z):
    sigma = activations.get(name)
    a = sigma.sigma(z)
    return a, sigma.sigma_prime(z, a)


def test_every_activation_is_tried_here():
    assert set(FORMULAS) == set(LIMITS) == set(ELEMENTWISE)
    assert all(name == activation.name for name, activation in ACTIVATIONS.items())


@elementwise
@dtypes
def test_sigma_is_the_function_of_its_name(name, dtype):
    z = points(dtype)
    a = activations.get(name).sigma(z)
    expected = FORMULAS[name](z.astype("float64"))
    assert a.dtype == dtype
    assert a.shape == z.shape
    # To rounding, absolute below 1: the logistic curve is 0.5 (tanh(z/2) + 1) here.
    error = np.abs(a - expected) / np.maximum(1.0, np.abs(expected))
    assert error.max() < 8 * np.finfo(dtype).eps


@elementwise
def test_sigma_prime_is_the_derivative(name):
    z, h = points(), 1e-5
    sigma = activations.get(name).sigma
    slope = (sigma(z + h) - sigma(z - h)) / (2.0 * h)
    # The difference of two values near 30 is good to 30 eps / h.
    scale = np.maximum(1.0, np.abs(slope))
    found = sigma_and_prime(name, z)[1]
    np.testing.assert_allclose(found / scale, slope / scale, rtol=0, atol=1e-9)


@elementwise
def test_sigma_prime_keeps_single_precision(name):
    z = points("float32")
    _, prime = sigma_and_prime(name, z)
    _, expected = sigma_and_prime(name, z.astype("float64"))
    assert prime.dtype == np.float32
    scale = np.maximum(1.0, np.abs(expected))
    np.testing.assert_allclose(prime / scale, expected / scale, rtol=0, atol=2e-6)


@elementwise
def test_pullback_is_the_product_with_sigma_prime(name):
    z = points()
    g = np.random.default_rng(0).standard_normal(z.shape)
    a, prime = sigma_and_prime(name, z)
    assert np.array_equal(activations.get(name).pullback(z, a, g), g * prime)


@elementwise
@dtypes
def test_extremes_are_finite_and_right(name, dtype):
    z = np.array([[-1e4, LARGEST.get(name, 1e4)]], dtype=dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        a, prime = sigma_and_prime(name, z)
    assert a.dtype == prime.dtype == dtype
    at_low, slope_low, at_high, slope_high = LIMITS[name]
    np.testing.assert_allclose(a, [[at_low, at_high]], rtol=1e-6, atol=1e-30)
    np.testing.assert_allclose(prime, [[slope_low, slope_high]], rtol=1e-6, atol=1e-30)


@pytest.mark.parametrize("zero", [0.0, -0.0])
@pytest.mark.parametrize(("name", "slope"), [("relu", 0.0), ("leaky_relu", 0.01), ("elu", 1.0)])
def test_slope_at_the_kink(name, slope, zero):
    a, prime = sigma_and_prime(name, np.array([[zero]]))
    assert a[0, 0] == 0.0
    assert prime[0, 0] == pytest.approx(slope, rel=1e-15, abs=0.0)


# Softmax


def logits(n=7, k=4):
    return 3.0 * np.random.default_rng(1).standard_normal((n, k))


def test_softmax_is_exp_over_its_sum():
    z = logits()
    expected = [[np.exp(zj) / sum(np.exp(zk) for zk in row) for zj in row] for row in z]
    np.testing.assert_allclose(activations.softmax.sigma(z), expected, rtol=1e-14)


@dtypes
def test_softmax_rows_sum_to_1_at_extremes_too(dtype):
    z = np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4], [1.0, 2.0, 3.0]], dtype=dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        a = activations.softmax.sigma(z)
        pulled = activations.softmax.pullback(z, a, np.ones_like(a))
    assert a.dtype == dtype
    np.testing.assert_allclose(a.sum(axis=1), 1.0, rtol=4 * np.finfo(dtype).eps)
    np.testing.assert_allclose(a[:2], [[1, 0, 0], [1 / 3, 1 / 3, 1 / 3]], rtol=1e-6)
    # The rows sum to 1 whatever z is: the pullback of ones is 0.
    np.testing.assert_allclose(pulled, 0.0, atol=4 * np.finfo(dtype).eps)


def test_softmax_pullback_is_the_transposed_jacobian():
    z = logits()
    a = activations.softmax.sigma(z)
    g = np.random.default_rng(2).standard_normal(z.shape)
    pulled = activations.softmax.pullback(z, a, g)
    for x in range(len(z)):
        jacobian = np.array(
            [[a[x, i] * ((i == j) - a[x, j]) for j in range(4)] for i in range(4)]
        )
        np.testing.assert_allclose(pulled[x], jacobian.T @ g[x], rtol=1e-13, atol=1e-15)


def test_softmax_pullback_against_central_differences():
    z, h = logits(), 1e-5
    g = np.random.default_rng(2).standard_normal(z.shape)
    pulled = activations.softmax.pullback(z, activations.softmax.sigma(z), g)
    for i in range(z.shape[1]):
        step = h * (np.arange(z.shape[1]) == i)
        ahead, behind = (activations.softmax.sigma(z + s) for s in (step, -step))
        slope = (g * (ahead - behind)).sum(axis=1) / (2.0 * h)
        np.testing.assert_allclose(pulled[:, i], slope, rtol=0, atol=1e-9)


def test_a_rowwise_activation_of_ones_own_is_pulled_back_by_its_own_rule():
    mixing = np.array([[1.0, 2.0], [0.0, 3.0]])  # its Jacobian is not symmetric
    mix = Rowwise("mix", lambda z: z @ mixing.T, lambda z, a, g: g @ mixing)
    z, g = np.array([[1.0, 2.0]]), np.array([[5.0, 7.0]])
    assert mix.pullback(z, mix.sigma(z), g).tolist() == [[5.0, 31.0]]


# Choosing one


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_get_by_name_and_by_value(name):
    activation = activations.get(name)
    assert activation is getattr(activations, name)
    assert activations.get(activation) is activation
    assert {activation: 1}[activation] == 1  # hashable: a spec is


def test_get_takes_ones_own():
    square = Elementwise("square", lambda z: z * z, lambda z, a: 2.0 * z)
    assert activations.get(square) is square


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("sigmoyd", "sigmoid"),
        ("than", "tanh"),
        ("Softmax", "softmax"),
        ("leakyrelu", "leaky_relu"),
    ],
)
def test_an_unknown_name_is_told_the_nearest(given, meant):
    with pytest.raises(bpx.InputError) as caught:
        activations.get(given)
    message = str(caught.value)
    assert repr(given) in message
    assert f"did you mean {meant!r}?" in message
    assert all(name in message for name in ACTIVATIONS)


@pytest.mark.parametrize("where", ["hidden", "output"])
def test_a_network_refuses_an_unknown_name(where):
    with pytest.raises(bpx.InputError, match="did you mean 'sigmoid'"):
        bpx.Network([2, 3, 2], backend="numpy", **{where: "sigmoyd"})


@pytest.mark.parametrize("given", [np.tanh, 3, None], ids=["function", "number", "none"])
def test_what_is_no_activation_is_refused(given):
    with pytest.raises(bpx.InputError, match=r"expected one of .*bpx\.Elementwise"):
        activations.get(given)
