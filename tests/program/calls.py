"""Calls that are made of recording arrays and of real ones of the standard."""

from collections.abc import Callable
from typing import Any, NamedTuple

import array_api_strict as strict
import numpy as np
import pytest

import bpx
from bpx.program.record import record

ROWS = np.array([2, 0, 1, 1], "int32")
FLOATS, SIGNED = ("float32", "float64"), ("int8", "int32", "int64")
NUMERIC = (*FLOATS, *SIGNED, "uint8")
BITS = ("int32", "uint8", "bool")


def arrays(dtype):
    """What the calls are given: a matrix, a row, a column, a vector, a number."""
    x = np.arange(-5, 7).reshape(3, 4) / (2.0 if dtype in FLOATS else 1.0)
    x = x % 3 == 0 if dtype == "bool" else abs(x) % 5 if dtype.startswith("u") else x
    x = np.asarray(x, dtype)
    return x, x[:1, ::-1], x[:, 1:2], x[2, :], x[1, 1]


class Call(NamedTuple):
    """``function(xp, x, row, column, vector, number)``, for arrays of these dtypes."""

    function: Callable[..., Any]
    dtypes: tuple[str, ...] = FLOATS


def cases(calls):
    return [
        pytest.param(call.function, dtype, id=f"{name} {dtype}")
        for name, call in calls.items()
        for dtype in call.dtypes
    ]


def check(function, dtype):
    """A recorded call, replayed, is the call of real arrays."""

    def called(xp, given):
        results = function(xp, *given)
        return results if isinstance(results, tuple) else (results,)

    given = tuple(strict.asarray(each) for each in arrays(dtype))
    expected = called(strict, given)
    rows = strict.asarray(ROWS)
    program = record(lambda s, data, r: called(bpx.namespace(s[0]), s), given, (), rows)
    replayed = program.replay(strict, given, (), rows)
    for value, real, again in zip(program.outputs, expected, replayed, strict=True):
        assert (value.shape, value.dtype.name) == (
            real.shape,
            bpx.arrays.registry.dtype_name(real),
        )
        assert (again.shape, again.dtype) == (real.shape, real.dtype)
        np.testing.assert_array_equal(np.asarray(again), np.asarray(real))


def recording_array():
    """One of float32, (3, 2)."""
    kept = []
    record(lambda s, d, r: (kept.append(s[0]), s)[1], (np.ones((3, 2), "float32"),), (), ROWS)
    return kept[0]
