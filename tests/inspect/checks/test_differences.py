"""Derivatives by differences alone, against derivatives that are known."""

import numpy as np
import pytest

import bpx
from bpx.inspect.checks.differences import deviation, known, slope, slopes, total
from tests.backends import host

TOLERANCE = 1e-6
Z = np.random.default_rng(0).standard_normal((40, 5)) * np.geomspace(0.01, 10.0, 40)[:, None]

SMOOTH = {
    "exp": (np.exp, np.exp),
    "sin": (np.sin, np.cos),
    "fast": (lambda z: np.sin(100.0 * z), lambda z: 100.0 * np.cos(100.0 * z)),
    "power": (lambda z: z**7, lambda z: 7.0 * z**6),
    "stiff": (
        lambda z: np.tanh(1e3 * z),
        lambda z: 1e3 / np.cosh(np.clip(1e3 * z, -300, 300)) ** 2,
    ),
    "small": (lambda z: 1e-9 * np.sin(z), lambda z: 1e-9 * np.cos(z)),
    "large": (lambda z: 1e9 * np.sin(z), lambda z: 1e9 * np.cos(z)),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_a_right_derivative_is_within_the_tolerance_by_far(name):
    f, prime = SMOOTH[name]
    found = deviation(prime(Z), slope(lambda t: f(Z + t)), TOLERANCE)
    assert found.largest < 0.05 * TOLERANCE
    assert found.skipped == 0


@pytest.mark.parametrize("off", [1.01, 1.00001])
@pytest.mark.parametrize("name", SMOOTH)
def test_a_wrong_one_deviates_by_as_much_as_it_is_wrong(name, off):
    f, prime = SMOOTH[name]
    found = deviation(off * prime(Z), slope(lambda t: f(Z + t)), TOLERANCE)
    assert found.largest == pytest.approx(1.0 - 1.0 / off, rel=0.05)


def test_a_wrong_sign_deviates_by_two():
    found = deviation(-np.cos(Z), slope(lambda t: np.sin(Z + t)), TOLERANCE)
    assert found.largest == pytest.approx(2.0)
    assert found.given == pytest.approx(-found.expected)
    assert found.given == -np.cos(Z).ravel()[found.at]


@pytest.mark.parametrize(
    "f", [np.abs, lambda z: np.maximum(z, 0.0), lambda z: np.sqrt(np.abs(z))]
)
def test_a_kink_is_no_point_to_differentiate_at(f):
    z = np.array([[0.0, 1.0, -1.0, 1e-9]])
    found = slope(lambda t: f(z + t))
    assert found.kink.tolist()[0][:3] == [True, False, False]
    assert deviation(np.full_like(z, 7.0), found, TOLERANCE).skipped == 2


def test_near_a_kink_the_short_steps_tell():
    z = np.array([[1e-4, -1e-4, 1e-6]])
    found = slope(lambda t: np.maximum(z + t, 0.0))
    np.testing.assert_allclose(found.value, [[1.0, 0.0, 1.0]], atol=1e-12)
    assert deviation(np.array([[1.0, 0.0, 1.0]]), found, TOLERANCE).skipped == 0


def test_where_a_function_is_not_finite_there_is_no_derivative():
    z = np.array([[-1.0, 2.0]])
    with np.errstate(invalid="ignore", divide="ignore"):
        found = slope(lambda t: np.log(z + t))
    assert deviation(1.0 / z, found, TOLERANCE)[-2:] == (2, 1)


def test_a_formula_that_is_not_finite_is_wrong():
    given = np.cos(Z)
    given[3, 2] = np.nan
    found = deviation(given, slope(lambda t: np.sin(Z + t)), TOLERANCE)
    assert (found.largest, found.at) == (np.inf, 17)


def test_along_directions_row_by_row(target):
    z = target.asarray(Z, "float64")
    xp = bpx.namespace(z)
    ways = target.asarray(np.eye(5), "float64")
    found = slopes(lambda z: xp.sum(z**3, axis=1), z, ways)
    assert host(found.value).shape == (200,)
    assert deviation(xp.reshape((3.0 * z**2).mT, (-1,)), found, TOLERANCE).largest < 1e-9


def test_known_values_are_compared_as_they_are():
    assert deviation(Z + 1e-15, known(Z), TOLERANCE).largest < TOLERANCE
    assert deviation(1.001 * Z, known(Z), TOLERANCE).largest == pytest.approx(0.001, rel=0.01)


def test_a_weighted_sum_leaves_out_what_has_no_derivative():
    z = np.array([[0.0, 1.0, 2.0]])
    found = total(slope(lambda t: np.abs(z + t)), 1, np.array([0.0, 0.5, 1.0]))
    assert deviation(np.array([1.5]), found, TOLERANCE)[-2:] == (1, 0)
    nothing = total(slope(lambda t: np.abs(z + t)), 1, np.zeros(3))
    assert deviation(np.array([1.5]), nothing, TOLERANCE).skipped == 1
