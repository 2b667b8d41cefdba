"""Every wrong derivative of an activation is named, and how wrong it is."""

from dataclasses import replace

import numpy as np
import pytest

import bpx
from bpx import activations
from bpx.inspect import check
from tests.inspect.checks.parts import ACTIVATIONS, ELEMENTWISE, OFF, only, too_large

SMOOTH = [n for n in ELEMENTWISE if ACTIVATIONS[n].sigma_second is not activations.flat]


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_sigma_prime_that_is_off_by_a_hundredth(name):
    wrong = too_large(name)
    row = check(wrong).wrong[0]
    assert (row.equation, row.part) == ("sigma'", name)
    assert row.deviation == pytest.approx(OFF, rel=1e-3)
    assert row.where.startswith("at z = ")


@pytest.mark.parametrize("name", SMOOTH)
def test_a_sigma_second_that_is_off_by_a_hundredth(name):
    row = only(check(too_large(name, "sigma_second")))
    assert row.equation == "sigma''"
    assert row.deviation == pytest.approx(OFF, rel=1e-3)


def test_a_sigma_second_that_is_said_to_be_zero():
    row = only(check(replace(activations.tanh, sigma_second=activations.flat)))
    assert row.equation == "sigma''"
    assert row.deviation == 1.0


def test_a_sigma_prime_that_is_wrong_on_one_side():
    wrong = bpx.Elementwise(
        "softsign",
        lambda z: z / (1.0 + bpx.namespace(z).abs(z)),
        lambda z, a: 1.0 / (1.0 + z) ** 2,  # |z| forgotten
    )
    row = only(check(wrong))
    assert row.equation == "sigma'"
    assert row.where.startswith("at z = -")


def test_a_sigma_prime_that_is_nan_somewhere():
    sinc = bpx.Elementwise(
        "nan",
        lambda z: z * z,
        lambda z, a: bpx.namespace(z).sqrt(z) * bpx.namespace(z).sqrt(z) * 2.0,
    )
    row = only(check(sinc))
    assert (row.equation, row.deviation) == ("sigma'", np.inf)


@pytest.mark.parametrize("k", [1.0, 30.0, 1e3, 1e4])
def test_a_stiff_function_is_told_from_a_wrong_one(k):
    def sigma(z):
        return bpx.namespace(z).tanh(k * z)

    right = bpx.Elementwise("stiff", sigma, lambda z, a: k * (1.0 - a * a))
    assert check(right).ok
    wrong = bpx.Elementwise("stiff", sigma, lambda z, a: 1.01 * k * (1.0 - a * a))
    assert only(check(wrong)).deviation == pytest.approx(OFF, rel=1e-3)


def test_kinks_elsewhere_than_at_zero():
    def hard(z):
        return bpx.namespace(z).clip(z, -1.0, 1.0)

    def prime(z, a):
        xp = bpx.namespace(z)
        return xp.astype(xp.abs(z) < 1.0, z.dtype)

    assert check(bpx.Elementwise("hard_tanh", hard, prime, activations.flat)).ok


def test_what_has_no_derivative_anywhere_is_not_passed():
    def noise(z):
        return bpx.namespace(z).sin(1e12 * z)

    row = check(bpx.Elementwise("noise", noise, lambda z, a: 0.0 * z)).wrong[-1]
    assert row.equation == "sigma'"
    assert row.where == "no derivative at any of 480 points"


def softmax_with(**parts):
    return replace(activations.softmax, **parts)


def test_a_pullback_that_forgets_the_coupling():
    def diagonal(z, a, g):
        return a * (1.0 - a) * g

    row = only(check(softmax_with(pull=diagonal, push=None, bend=None)))
    assert row.equation == "pull"
    assert 0.1 < row.deviation <= 2.0
    assert row.where.startswith("at sample ")


@pytest.mark.parametrize("part", ["pull", "push", "bend"])
def test_a_part_of_softmax_that_is_off_by_a_hundredth(part):
    function = getattr(activations.softmax, part)
    wrong = softmax_with(**{part: lambda *a: 1.01 * function(*a)})
    report = check(wrong)
    # bend is the derivative of what pull gives, so that it is wrong where pull is
    assert [row.equation for row in report.wrong] == (
        ["pull", "bend"] if part == "pull" else [part]
    )
    assert report.wrong[0].deviation == pytest.approx(OFF, rel=1e-3)


class Cube:
    """An activation by its protocol alone."""

    name = "cube"

    def __init__(self, factor=3.0):
        self.factor = factor

    def sigma(self, z):
        return z**3

    def pullback(self, z, a, g):
        return self.factor * z * z * g


def test_an_activation_by_its_protocol():
    assert check(Cube()).ok
    row = only(check(Cube(3.03)))
    assert (row.equation, row.part) == ("pullback", "cube")
    assert row.deviation == pytest.approx(OFF, rel=1e-3)


def test_an_elementwise_that_couples_the_units():
    sigma = activations.softmax.sigma
    row = check(bpx.Elementwise("softmax", sigma, lambda z, a: a * (1.0 - a))).wrong[0]
    assert row.equation == "each unit alone"
