"""Reductions: what C computes is what NumPy computes, in kernels and outside them."""

import numpy as np
import pytest

from bpx.errors import InputError
from bpx.export.c.reductions import accumulated, begin, finished, indexes
from bpx.program.operation import Operation, Value, dtype_of
from tests.export.c.running import assert_same


def op(name, dtype, result=None):
    x = Value((3, 4), dtype_of(dtype))
    return Operation(name, (x,), Value((3,), dtype_of(result or dtype)), (("axis", 1),))


def test_what_they_begin_with():
    assert begin(op("sum", "float32")) == "0.0f"
    assert begin(op("prod", "float64")) == "1.0"
    assert begin(op("max", "float32")) == "(-INFINITY)"
    assert begin(op("min", "int32")) == "2147483647"
    assert begin(op("max", "int8")) == "(-128)"
    assert begin(op("max", "uint8")) == "0u"
    assert begin(op("min", "uint8")) == "255u"
    assert begin(op("all", "bool")) == "true"
    with pytest.raises(InputError, match="cumulative_sum"):
        begin(op("cumulative_sum", "float32"))


def test_statements():
    assert accumulated(op("sum", "float32"), "t", "x") == "t += x;"
    assert accumulated(op("max", "int32"), "t", "x") == "if (x > t) t = x;"
    assert finished(op("mean", "float32"), "t", 4) == "t = t / 4.0f;"
    assert finished(op("sum", "float32"), "t", 4) is None
    assert indexes(op("argmin", "float32", "int64"))


FLOATS = "sum", "mean", "prod", "max", "min", "argmax", "argmin"


@pytest.mark.usefixtures("gcc")
@pytest.mark.parametrize("shape", [(3, 4), (1, 5), (4, 1), (2, 3, 4), (6,)])
def test_over_each_axis(shape):
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)

    def each(xp, x):
        axes = range(len(shape))
        kept = [getattr(xp, n)(x, axis=a, keepdims=True) for n in FLOATS for a in axes]
        gone = [getattr(xp, n)(x, axis=a) for n in FLOATS for a in axes]
        return (*kept, *gone, *(getattr(xp, n)(x) for n in FLOATS))

    assert_same(each, x)


@pytest.mark.usefixtures("gcc")
def test_over_several_axes():
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    assert_same(lambda xp, x: (xp.sum(x, axis=(0, 2)), xp.max(x, axis=(1, 2))), x)


@pytest.mark.usefixtures("gcc")
def test_nan_wins_and_stays():
    x = np.array([[1.0, np.nan, 2.0], [3.0, 1.0, 2.0], [np.nan, np.nan, 0.0]], np.float32)
    names = "max", "min", "argmax", "argmin"
    assert_same(lambda xp, x: tuple(getattr(xp, n)(x, axis=1) for n in names), x)


@pytest.mark.usefixtures("gcc")
def test_integers_and_bools():
    x = np.array([[3, -1, 2], [2, 7, 7]], np.int32)

    def each(xp, x):
        some = xp.any(x > 2, axis=1), xp.all(x > 0, axis=1), xp.any(x > 9), xp.all(x > -2)
        return (*some, xp.max(x, axis=0), xp.min(x, axis=1), xp.argmax(x, axis=1))

    assert_same(each, x)
