"""Bits of numbers as those of another type, in compiled code."""

import numpy as np
import pytest

numba = pytest.importorskip("numba", reason="numba is not installed")

from bpx_backends.engines.numpy import bits  # noqa: E402 - it needs numba

NUMBERS = [0.0, -0.0, 1.0, -2.5, np.inf, -np.inf, 1e-45, 3e38]


@pytest.mark.parametrize(("real", "whole"), [("float32", "int32"), ("float64", "int64")])
def test_bits_are_numpys(real, whole):
    to, back = getattr(bits, f"{whole}_of"), getattr(bits, f"{real}_of")
    to, back = numba.njit(lambda x, f=to: f(x)), numba.njit(lambda x, f=back: f(x))
    with np.errstate(over="ignore"):
        x = np.array(NUMBERS, real)
    for number, expected in zip(x, x.view(whole), strict=True):
        assert to(number) == expected
        found = np.asarray(back(expected), real)
        assert found.view(whole) == expected
