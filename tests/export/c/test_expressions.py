"""Elementwise operations: what C computes is what NumPy computes."""

import numpy as np
import pytest

from bpx.errors import InputError
from bpx.export.c.expressions import ELEMENTWISE, cast, expression
from bpx.export.c.reductions import REDUCTIONS
from bpx.program.functions import BINARY, TESTS, UNARY
from bpx.program.operation import Operation, Value, dtype_of
from tests.export.c.running import assert_same, in_c

pytestmark = pytest.mark.usefixtures("gcc")
FLOATS = [name for name, kinds in UNARY.items() if "real floating" in kinds]
INTEGERS = [name for name, kinds in UNARY.items() if "signed integer" in kinds]
OUTSIDE = {"acosh": lambda x: x + 1.0, "tan": lambda x: 0.4 * x}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_functions_of_floats(dtype):
    x = np.linspace(0.05, 0.95, 12).reshape(3, 4).astype(dtype)

    def each(xp, x):
        return tuple(getattr(xp, name)(OUTSIDE.get(name, lambda v: v)(x)) for name in FLOATS)

    assert_same(each, x, rtol=1e-6 if dtype == "float32" else 1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_functions_of_negative_floats(dtype):
    x = np.array([[-2.5, -1.5, -0.5, -0.0], [0.5, 1.5, 2.5, 3.7]], dtype)
    names = ("abs", "negative", "positive", "sign", "square", "floor", "ceil", "round", "trunc")
    assert_same(lambda xp, x: tuple(getattr(xp, name)(x) for name in names), x)


def test_functions_of_two_floats():
    x, y = np.random.default_rng(0).normal(size=(2, 3, 5)).astype(np.float32)
    names = [n for n, kinds in BINARY.items() if "real floating" in kinds and n != "pow"]
    assert_same(lambda xp, x, y: tuple(getattr(xp, n)(x, y) for n in names), x, y, rtol=1e-5)
    assert_same(lambda xp, x, y: xp.pow(abs(x), y), x, y)


def bits(x):
    """The bits of floats, of which all NaNs have the same."""
    return np.where(np.isnan(x), x.dtype.type("nan"), x).view(f"u{x.itemsize}")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["remainder", "floor_divide", "logaddexp"])
def test_divisions_and_logarithms_of_special_numbers(name, dtype):
    special = [0.0, -0.0, 0.1, -0.1, 0.3, 1.0, -1.0, 3.7, 1e-30, np.inf, -np.inf, np.nan]
    x, y = (each.ravel() for each in np.meshgrid(*2 * [np.array(special, dtype)]))
    with np.errstate(all="ignore"):
        (found,), (expected,) = in_c(lambda xp, x, y: getattr(xp, name)(x, y), x, y)
    if name == "logaddexp":  # of which NumPy rounds each step in its own way
        np.testing.assert_allclose(found, expected, rtol=1e-6 if dtype == "float32" else 1e-14)
    else:
        np.testing.assert_array_equal(bits(found), bits(expected))


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint8"])
def test_integers_wrap_around(dtype):
    info = np.iinfo(dtype)
    x = np.array([[info.min, info.max, 3, 5, 17, 7]], dtype)
    y = np.array([[1, 2, 2, 7, 5, 3]], dtype)
    two = ("add", "subtract", "multiply", "maximum", "minimum", "bitwise_and", "bitwise_or",
           "bitwise_xor", "remainder", "floor_divide")  # fmt: skip

    def each(xp, x, y):
        shifted = xp.bitwise_left_shift(x, y), xp.bitwise_right_shift(x, y)
        signed = [xp.abs(x)] if dtype == "uint8" else [xp.negative(x), xp.abs(x)]
        some = [getattr(xp, n)(x) for n in ("square", "bitwise_invert", "positive", "sign")]
        return (*(getattr(xp, n)(x, y) for n in two), *shifted, *signed, *some)

    with np.errstate(over="ignore"):
        assert_same(each, x, y)


def test_integer_divisions_round_down():
    x = np.array([[7, -7, 7, -7, 6, -6]], np.int32)
    y = np.array([[2, 2, -2, -2, -3, -3]], np.int32)
    assert_same(lambda xp, x, y: (xp.floor_divide(x, y), xp.remainder(x, y)), x, y)


def test_tests_and_truths():
    x = np.array([[0.0, 1.0, np.nan, np.inf, -np.inf]], np.float32)
    y = np.array([[0.0, 2.0, 1.0, np.inf, np.nan]], np.float32)

    def each(xp, x, y):
        a, b = x > 0.0, y > 0.5
        tests = [getattr(xp, n)(x, y) for n in TESTS if not n.startswith("is")]
        kinds = [getattr(xp, n)(x) for n in ("isnan", "isinf", "isfinite")]
        both = [getattr(xp, n)(a, b) for n, k in BINARY.items() if "bool" in k]
        return (*tests, *kinds, *both, xp.logical_not(a), xp.bitwise_invert(b))

    assert_same(each, x, y)


def test_nan_wins():
    x = np.array([[np.nan, 1.0, 2.0, np.nan]], np.float32)
    y = np.array([[1.0, np.nan, 3.0, np.nan]], np.float32)
    assert_same(lambda xp, x, y: (xp.maximum(x, y), xp.minimum(x, y), xp.sign(x)), x, y)


def test_dtypes_are_cast():
    x = np.array([[-1.5, 0.0, 2.5]], np.float32)

    def each(xp, x):
        whole = xp.astype(x, xp.int32)
        others = xp.astype(x, xp.bool), xp.astype(x > 0.0, x.dtype), xp.astype(x, xp.float64)
        return (
            whole,
            *others,
            xp.astype(whole, xp.float32),
            xp.where(x > 0.0, x, 0.0),
            whole > 1,
        )

    assert_same(each, x)


def test_numbers_have_the_dtype_of_the_array():
    x = np.array([[0.1, 0.2]], np.float32)
    assert_same(lambda xp, x: (x + 0.1, 1e-5 - x, x * 1e30, x - float("inf")), x)


def test_every_operation_that_a_recording_holds_has_a_form():
    held = {*UNARY, *BINARY, *TESTS, "where", "astype"}
    assert held <= ELEMENTWISE
    assert not ELEMENTWISE & REDUCTIONS


def test_what_has_no_form_is_refused():
    x = Value((2,), dtype_of("int32"))
    power = Operation("pow", (x, 2), Value((2,), x.dtype), origin=("bent",))
    with pytest.raises(
        InputError, match=r"pow on int32 in 'bent', which bpx cannot write as C"
    ):
        expression(power, lambda operand, dtype: "x")


def test_a_half_is_refused():
    with pytest.raises(InputError, match="float16, which C99 has no type for"):
        cast("x", dtype_of("float32"), dtype_of("float16"))
