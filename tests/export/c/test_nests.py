"""Nests: fused loops compute what the operations compute one by one."""

import numpy as np
import pytest

from bpx.export.c.nests import in_braces
from tests.export.c.running import assert_same, text_of


def softmax(xp, z):
    shifted = z - xp.max(z, axis=-1, keepdims=True)
    e = xp.exp(shifted)
    return e / xp.sum(e, axis=-1, keepdims=True)


def normed(xp, z, gamma):
    mean = xp.mean(z, axis=-1, keepdims=True)
    apart = z - mean
    return gamma * apart / xp.sqrt(xp.mean(apart * apart, axis=-1, keepdims=True) + 1e-5)


def batch_normed(xp, z, gamma):
    mean = xp.sum(0.25 * z, axis=0)
    apart = z - mean
    variance = xp.mean(apart * apart, axis=0)
    return gamma * apart / xp.sqrt(variance + 1e-5), mean, variance


def test_what_declares_is_in_braces():
    assert next(in_braces(["const float v1 = x[0];", "y[0] = v1;"])) == "{"
    assert next(in_braces(["float v1 = 0.0f;"])) == "{"
    assert list(in_braces(["y[0] = v1;"])) == ["y[0] = v1;"]


def test_an_equation_is_one_loop():
    x = np.ones((3, 4), np.float32)
    text, _ = text_of(lambda xp, x: xp.tanh(2.0 * x + 1.0), [x])
    assert text.count("for (") == 2
    assert "v1 + 1.0f" in text


@pytest.mark.usefixtures("gcc")
@pytest.mark.parametrize("shape", [(3, 4), (1, 5), (4, 1), (2, 3, 4)])
def test_rows_and_columns(shape):
    rng = np.random.default_rng(0)
    z, gamma = rng.normal(size=shape), rng.normal(size=shape[-1:])
    assert_same(softmax, z, rtol=1e-12)
    assert_same(normed, z, gamma, rtol=1e-12)


@pytest.mark.usefixtures("gcc")
@pytest.mark.parametrize("shape", [(4, 3), (4, 1), (1, 3)])
def test_column_sums(shape):
    rng = np.random.default_rng(0)
    z, gamma = rng.normal(size=shape), rng.normal(size=shape[-1:])
    assert_same(batch_normed, z, gamma, rtol=1e-12)


@pytest.mark.usefixtures("gcc")
def test_numbers_are_read_once_and_rows_keep_theirs():
    rng = np.random.default_rng(0)
    x, eta, column = rng.normal(size=(3, 4)), rng.normal(size=(1,)), rng.normal(size=(3, 1))

    def each(xp, x, eta, column):
        moved = column * eta
        return x * eta + moved, xp.sum(x * moved, axis=1), moved

    assert_same(each, x, eta, column, rtol=1e-12)
