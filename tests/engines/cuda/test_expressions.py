"""Every elementwise function, in every dtype, against NumPy's."""

import numpy as np
import pytest

from bpx.program.operation import DTYPES
from bpx_backends.engines.cuda.expressions import literal
from tests.engines.cuda.functions import FLOATS, computing, floating, integral
from tests.engines.cuda.steps import emulator


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_function_of_floats(dtype):
    x = np.array(FLOATS, dtype)
    run, expected = computing(floating, np.ascontiguousarray(x[:, None] + 0 * x), x)
    for one, other in zip(run.after(emulator()[0].scan), expected, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=16 * np.finfo(dtype).eps, atol=0)


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_every_function_of_integers_that_wrap(dtype):
    most = np.iinfo(dtype)
    x = np.array([0, 1, -1, 3, -7, 100, most.max, most.min + 1, 65_537, -1000], dtype)
    run, expected = computing(integral, np.ascontiguousarray(x[:, None] + 0 * x), x)
    for one, other in zip(run.after(emulator()[0].scan), expected, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("number", "dtype", "text"),
    [
        (0.1, "float32", "0.100000001f"),
        (0.1, "float64", "0.10000000000000001"),
        (2, "float32", "2.0f"),
        (-1e300, "float64", "(-1.0000000000000001e+300)"),
        (1e300, "float32", "__int_as_float(0x7f800000)"),
        (float("-inf"), "float64", "(-__longlong_as_double(0x7ff0000000000000LL))"),
        (True, "bool", "true"),
        (3, "int32", "((int)3)"),
        (-(2**63), "int64", "(-9223372036854775807LL - 1)"),
        (2**64 - 1, "uint64", "((unsigned long long)18446744073709551615ULL)"),
    ],
)
def test_numbers_have_the_dtype_of_their_operation(number, dtype, text):
    assert literal(number, DTYPES[dtype]) == text
