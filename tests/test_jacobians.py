"""J v and the derivative of J^T g, against central differences, for every activation."""

import numpy as np
import pytest

import bpx
from bpx.activations import ACTIVATIONS
from bpx.errors import InputError
from bpx.jacobians import bends, flat, pullback_derivative, pushforward
from tests.backends import host

H = 1e-5
ALL = pytest.mark.parametrize("name", sorted(ACTIVATIONS))


def draws(seed):
    """z (away from the kinks at 0), g and v."""
    rng = np.random.default_rng(seed)
    z = rng.uniform(0.05, 3.0, (7, 4)) * rng.choice([-1.0, 1.0], (7, 4))
    return z, rng.standard_normal((7, 4)), rng.standard_normal((7, 4))


@ALL
def test_pushforward_is_the_derivative_of_sigma(name):
    sigma, (z, _, v) = ACTIVATIONS[name], draws(0)
    slope = (sigma.sigma(z + H * v) - sigma.sigma(z - H * v)) / (2.0 * H)
    np.testing.assert_allclose(pushforward(sigma, z, sigma.sigma(z), v), slope, atol=1e-9)


@ALL
def test_pushforward_and_pullback_are_adjoint(name):
    sigma, (z, g, v) = ACTIVATIONS[name], draws(1)
    a = sigma.sigma(z)
    forward, back = pushforward(sigma, z, a, v), sigma.pullback(z, a, g)
    np.testing.assert_allclose(np.sum(forward * g), np.sum(back * v), rtol=1e-13)


@ALL
def test_the_pullbacks_derivative(name):
    sigma, (z, g, v) = ACTIVATIONS[name], draws(2)

    def pulled(z):
        return sigma.pullback(z, sigma.sigma(z), g)

    slope = (pulled(z + H * v) - pulled(z - H * v)) / (2.0 * H)
    found = pullback_derivative(sigma, z, sigma.sigma(z), g, v)
    np.testing.assert_allclose(np.zeros_like(z) + found, slope, atol=1e-8)


def test_straight_lines_do_not_bend():
    straight = {name for name, sigma in ACTIVATIONS.items() if not bends(sigma)}
    assert straight == {"identity", "relu", "leaky_relu"}
    z = draws(3)[0]
    assert not flat(z, z).any()
    assert flat(z, z).shape == z.shape


@ALL
def test_on_every_backend(name, target):
    sigma, arrays = ACTIVATIONS[name], draws(4)
    z, g, v = (target.asarray(each, "float64") for each in arrays)
    found = [pushforward(sigma, z, sigma.sigma(z), v), sigma.pullback(z, sigma.sigma(z), g)]
    expected_z, expected_g, expected_v = arrays
    a = sigma.sigma(expected_z)
    expected = [
        pushforward(sigma, expected_z, a, expected_v),
        sigma.pullback(expected_z, a, expected_g),
    ]
    if bends(sigma):
        found.append(pullback_derivative(sigma, z, sigma.sigma(z), g, v))
        expected.append(pullback_derivative(sigma, expected_z, a, expected_g, expected_v))
    for got, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(host(got), wanted, rtol=1e-12, atol=1e-13)


def test_what_an_activation_was_made_without():
    z, g, v = draws(5)
    square = bpx.Elementwise("square", lambda z: z * z, lambda z, a: 2.0 * z)
    with pytest.raises(InputError, match="'square' was made without sigma_second"):
        pullback_derivative(square, z, z * z, g, v)
    coupled = bpx.Rowwise("coupled", lambda z: z, lambda z, a, g: g)
    with pytest.raises(InputError, match="'coupled' was made without push"):
        pushforward(coupled, z, z, v)
    with pytest.raises(InputError, match="'coupled' was made without bend"):
        pullback_derivative(coupled, z, z, g, v)


def test_an_activation_that_only_pulls_back():
    class Bare:
        name = "bare"
        sigma = staticmethod(lambda z: z)

        def pullback(self, z, a, g):
            return g

    z, _, v = draws(6)
    with pytest.raises(InputError, match="'bare' has no pushforward"):
        pushforward(Bare(), z, z, v)
