"""What stands in a kernel's text for an operation, a number, and a part of the work."""

import numpy as np
import pytest

from bpx.program.operation import Operation, Value, dtype_of
from bpx_backends.engines.numpy.expressions import cast, common, literal, share, start, varies


def reduction(name, dtype):
    return Operation(name, (Value((3, 4), dtype_of(dtype)),), Value((3,), dtype_of(dtype)))


@pytest.mark.parametrize("number", [0.0, -0.0, 0.1, -2.5, 1e-300, float("inf"), float("-inf")])
def test_a_number_stands_there_to_the_last_bit(number):
    assert np.float64(eval(literal(number))).tobytes() == np.float64(number).tobytes()


def test_a_number_that_is_none_stands_there_too():
    assert literal(float("nan")) == "np.nan"
    assert (literal(3), literal(True)) == ("3", "True")


@pytest.mark.parametrize(
    ("number", "is_argument"),
    [(0.3, True), (1 / 60_000, True), (0.5, False), (-1.0, False), (float("inf"), False),
     (3, False), (True, False)],
)  # fmt: skip
def test_rates_are_arguments_and_what_formulas_are_made_of_is_not(number, is_argument):
    assert varies(number) == is_argument


def test_what_has_a_dtype_is_converted():
    assert cast(dtype_of("float32"), "x") == "float32(x)"
    assert cast(dtype_of("bool"), "x") == "bool(x)"
    assert cast(None, "x") == "x"


def test_a_comparison_is_made_in_the_wider_dtype():
    narrow, wide = (Value((4,), dtype_of(name)) for name in ("float32", "float64"))
    less = Operation("less", (narrow, wide), Value((4,), dtype_of("bool")))
    assert common(less) == dtype_of("float64")


@pytest.mark.parametrize(
    ("name", "dtype", "begins"),
    [
        ("sum", "float32", "float32(0)"),
        ("mean", "float64", "float64(0)"),
        ("max", "float64", "float64(-np.inf)"),
        ("min", "float32", "float32(np.inf)"),
        ("argmax", "int8", "np.iinfo(int8).min"),
        ("min", "int32", "np.iinfo(int32).max"),
    ],
)
def test_where_a_reduction_begins(name, dtype, begins):
    assert start(reduction(name, dtype)) == begins


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_the_parts_are_everything_once(parts):
    names = {"uint64": int, "n": 10, "parts": parts}
    pieces = [eval(f"range({share('n')})", {**names, "part": part}) for part in range(parts)]
    assert [i for piece in pieces for i in piece] == list(range(10))
