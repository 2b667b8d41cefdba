"""Codes among the inputs, checked where values are read."""

import numpy as np
import pytest

import bpx
from bpx.model.codes import check_codes
from tests.columns import network, samples

SPEC = network().spec


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8"])
def test_codes_that_exist_pass(target, dtype):
    x = np.abs(samples()[0].round()).astype(dtype)
    check_codes(SPEC, x, "x")
    check_codes(SPEC, target.asarray(x, "float64"), "x")


@pytest.mark.parametrize(
    ("column", "value", "last"), [(1, 4, 3), (4, 7, 6), (4, -1, 6), (1, 1.5, 3), (1, np.inf, 3)]
)
def test_the_first_wrong_code_is_named(column, value, last):
    x, _ = samples()
    x[3:, column] = value
    said = rf"validation x has {value:g} in row 3, column {column}, .* in 0 \.\.\. {last}$"
    with pytest.raises(bpx.InputError, match=said):
        check_codes(SPEC, x, "validation x")


def test_other_columns_may_hold_anything():
    x, _ = samples()
    x[:, [0, 2, 3]] = 0.5, 1e9, -7.0
    check_codes(SPEC, x, "x")


def test_a_traced_array_passes():
    jax = pytest.importorskip("jax")
    x, _ = samples()
    found = jax.jit(lambda x: check_codes(SPEC, -x, "x") or x[0, 0])(x)
    assert float(found) == pytest.approx(x[0, 0], rel=1e-6)
