"""Recording arrays against real ones of the standard: each function, and what is refused."""

import math
import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import array_api_strict as strict
import numpy as np
import pytest

import bpx
from bpx.errors import RecordingError
from bpx.program.array import Recorded, namespace
from bpx.program.operation import DTYPES
from bpx.program.record import record

ROWS = np.array([2, 0, 1, 1], "int32")
FLOATS, SIGNED = ("float32", "float64"), ("int8", "int32", "int64")
NUMERIC = (*FLOATS, *SIGNED, "uint8")
BITS = ("int32", "uint8", "bool")


def arrays(dtype):
    """What the calls below are given: a matrix, a row, a column, a vector, a number."""
    x = np.arange(-5, 7).reshape(3, 4) / (2.0 if dtype in FLOATS else 1.0)
    x = x % 3 == 0 if dtype == "bool" else abs(x) % 5 if dtype.startswith("u") else x
    x = np.asarray(x, dtype)
    return x, x[:1, ::-1], x[:, 1:2], x[2, :], x[1, 1]


class Call(NamedTuple):
    """``function(xp, x, row, column, vector, number)``, for arrays of these dtypes."""

    function: Callable[..., Any]
    dtypes: tuple[str, ...] = FLOATS


def unary(name):
    return lambda xp, x, *_: getattr(xp, name)(x)


def binary(name):
    """With all that broadcasts, and with Python's numbers on either side."""

    def both(xp, x, row, column, vector, number):
        f = getattr(xp, name)
        whole = f(x, x), f(x, row), f(column, row), f(column, vector), f(number, x)
        if xp.isdtype(x.dtype, "bool"):
            return *whole, f(vector, True)
        return *whole, f(x, 2), f(3, vector)

    return both


def reduction(name):
    def every(xp, x, row, column, vector, number):
        f = getattr(xp, name)
        axes = [None, 0, 1, -1, -2] + ([] if name.startswith("arg") else [(0, 1), (-1,)])
        of_x = [f(x, axis=axis, keepdims=kept) for axis in axes for kept in (False, True)]
        return *of_x, f(x), f(vector, axis=0), f(column, axis=1), f(vector, keepdims=True)

    return every


CALLS: dict[str, Call] = {
    **{name: Call(unary(name)) for name in (
        "exp", "expm1", "sin", "cos", "tan", "tanh", "sinh", "cosh", "asinh", "atan")},
    **{name: Call(lambda xp, x, *_, name=name: getattr(xp, name)(xp.abs(x) + 1.0)) for name in (
        "log", "log1p", "log2", "log10", "sqrt", "acosh", "reciprocal")},
    **{name: Call(lambda xp, x, *_, name=name: getattr(xp, name)(x / 8.0)) for name in (
        "asin", "acos", "atanh")},
    **{name: Call(unary(name), NUMERIC) for name in (
        "positive", "sign", "square", "floor", "ceil", "round", "trunc",
        "isfinite", "isnan", "isinf")},
    **{name: Call(unary(name), (*FLOATS, *SIGNED)) for name in ("abs", "negative")},
    "bitwise_invert": Call(unary("bitwise_invert"), BITS),
    "logical_not": Call(unary("logical_not"), ("bool",)),
    **{name: Call(binary(name), NUMERIC) for name in (
        "add", "subtract", "multiply", "maximum", "minimum",
        "less", "less_equal", "greater", "greater_equal")},
    **{name: Call(binary(name), (*NUMERIC, "bool")) for name in ("equal", "not_equal")},
    **{name: Call(binary(name)) for name in ("logaddexp", "hypot", "atan2", "copysign")},
    "divide": Call(lambda xp, x, row, column, *_: (
        xp.divide(x, row), xp.divide(column, xp.abs(x) + 1.0), xp.divide(1, xp.abs(x) + 0.5))),
    "pow": Call(lambda xp, x, row, column, vector, _: (
        xp.pow(xp.abs(x) + 1.0, row), xp.pow(x, 2), xp.pow(2, column), vector**3, x**2.0)),
    "remainder": Call(lambda xp, x, row, *_: (
        xp.remainder(x, xp.abs(row) + 1.0), xp.remainder(x, 3), x % 3, 3 % (xp.abs(x) + 1.0))),
    "floor_divide": Call(lambda xp, x, row, *_: (
        xp.floor_divide(x, xp.abs(row) + 1.0), x // 3, 3 // (xp.abs(x) + 1.0), +x)),
    **{name: Call(binary(name), BITS) for name in ("bitwise_and", "bitwise_or", "bitwise_xor")},
    **{name: Call(lambda xp, x, row, *_, name=name: (
        getattr(xp, name)(x, xp.abs(row)), getattr(xp, name)(x, 1)), ("int32",))
       for name in ("bitwise_left_shift", "bitwise_right_shift")},
    **{name: Call(binary(name), ("bool",)) for name in (
        "logical_and", "logical_or", "logical_xor")},
    **{name: Call(reduction(name)) for name in ("sum", "prod", "mean")},
    **{name: Call(reduction(name), NUMERIC) for name in ("max", "min", "argmax", "argmin")},
    **{name: Call(reduction(name), ("bool",)) for name in ("any", "all")},
    "where": Call(lambda xp, x, row, column, vector, number: (
        xp.where(x == row, x, column), xp.where(column == column, row, vector),
        xp.where(vector == number, vector, number)), (*NUMERIC, "bool")),
    "clip": Call(lambda xp, x, row, column, *_: (
        xp.clip(x, -1, 2), xp.clip(x, min=0), xp.clip(x, max=1), xp.clip(x),
        xp.clip(x, column, None)), (*FLOATS, *SIGNED)),
    "astype": Call(lambda xp, x, row, *_: (
        *(xp.astype(x, getattr(xp, name)) for name in ("bool", "int32", "int64")),
        *(xp.astype(x, getattr(xp, name)) for name in FLOATS),
        xp.astype(row, row.dtype, copy=False)), (*NUMERIC, "bool")),
    "matmul": Call(lambda xp, x, row, column, *_: (
        xp.matmul(x, x.mT), x.mT @ x, row @ x.mT, column @ row, row @ row.mT)),
    "matrix_transpose": Call(lambda xp, x, row, column, *_: (
        xp.matrix_transpose(x), x.mT, x.T, row.mT, column.mT.mT)),
    "permute_dims": Call(lambda xp, x, *_: (xp.permute_dims(x, (1, 0)))),
    "take": Call(lambda xp, x, row, column, vector, number: (
        xp.take(x, xp.arange(2, -1, -1, dtype=xp.int32), axis=0),
        xp.take(column, xp.arange(1, dtype=xp.int64), axis=0),
        xp.take(vector, xp.arange(0, 4, 2, dtype=xp.int32)),
        vector[xp.arange(0, 4, 2, dtype=xp.int64)])),
    "reshape": Call(lambda xp, x, row, column, vector, number: (
        xp.reshape(x, (4, 3)), xp.reshape(x, (-1,)), xp.reshape(x, (2, -1, 3)),
        xp.reshape(column, (-1,)),
        xp.reshape(number, (1, 1)), xp.reshape(row[:, :1], ()), xp.reshape(x, (3, 4)))),
    "expand_dims": Call(lambda xp, x, row, column, vector, number: (
        *(xp.expand_dims(x, axis=axis) for axis in (0, 1, 2, -1, -2, -3)),
        xp.expand_dims(vector, axis=-1), xp.expand_dims(number, axis=0))),
    "squeeze": Call(lambda xp, x, row, column, *_: (
        xp.squeeze(row, 0), xp.squeeze(column, axis=1), xp.squeeze(column, axis=-1),
        xp.squeeze(x[None, :, None, :], axis=(0, -2)))),
    "broadcast_to": Call(lambda xp, x, row, column, vector, number: (
        xp.broadcast_to(row, (3, 4)), xp.broadcast_to(column, (2, 3, 5)),
        xp.broadcast_to(vector, (2, 4)), xp.broadcast_to(number, (3,)))),
    "arange": Call(lambda xp, x, *_: (
        xp.arange(4, dtype=xp.int32), xp.arange(2, 9, 3, dtype=x.dtype),
        xp.arange(5, 0, -2, dtype=xp.int64), xp.arange(3, 3, dtype=xp.float32)), ("float32",)),
}  # fmt: skip

SYNTAX: dict[str, Call] = {
    "slices": Call(lambda xp, x, row, column, vector, number: (
        x[:2, :], x[1:, ::2], x[::-1, -3:-1], x[:0, :], vector[4:], x[:, 3:1:-1])),
    "integers": Call(lambda xp, x, row, column, vector, number: (
        x[0, :], x[-1, 2], x[:, -1], vector[3], vector[-4])),
    "new axes": Call(lambda xp, x, row, column, vector, number: (
        x[None, :, :], x[:, None, :], x[..., None], vector[None, :], vector[:, None],
        vector[None, ...], number[None, ...], number[None, None, ...])),
    "the ellipsis": Call(lambda xp, x, row, column, vector, number: (
        x[...], x[..., 0], x[1, ...], x[..., :2], number[...], x[0, ..., None],
        vector[..., 1:])),
    "operators": Call(lambda xp, x, row, column, vector, number: (
        x + row, 1 + x, x - column, 1 - x, x * vector, 2 * x, -x, abs(x), x == row, x != 0,
        x < column, x < 1, x <= number, x <= 0), (*FLOATS, *SIGNED)),
    "operators of floats": Call(lambda xp, x, row, column, vector, number: (
        x / (abs(row) + 1.0), 1.5 / (abs(x) + 1.0), abs(x) ** 0.5, 2.0**x, x @ x.mT)),
    "operators of bits": Call(lambda xp, x, row, column, vector, number: (
        x & row, x | column, x ^ vector, ~x), BITS),
    "operators of whole numbers": Call(lambda xp, x, row, column, vector, number: (
        x & 3, 5 | x, 6 ^ x, x << 2, x >> 1, 1 << abs(x), 64 >> abs(x)), ("int32", "int64")),
    "operators of flags": Call(lambda xp, x, row, column, vector, number: (
        x & True, False | x, x ^ True, x == False), ("bool",)),  # noqa: E712
    "dtypes that are mixed": Call(lambda xp, x, *_: (
        xp.astype(x, xp.int8) + xp.astype(x, xp.int32), xp.astype(x, xp.float32) * x,
        xp.astype(x, xp.int64) == xp.astype(x, xp.int8))),
}  # fmt: skip


def cases(calls):
    return [
        pytest.param(call.function, dtype, id=f"{name} {dtype}")
        for name, call in calls.items()
        for dtype in call.dtypes
    ]


@pytest.mark.parametrize(("function", "dtype"), cases(CALLS | SYNTAX))
def test_a_recorded_call_is_the_call_of_a_real_array(function, dtype):
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


def test_every_function_is_among_the_calls():
    others = {"finfo", "isdtype", "result_type", "pi", "e", "inf", "nan", "newaxis", *DTYPES}
    offered = {name for name in dir(namespace) if not name.startswith("_")}
    others |= {"full", "zeros", "ones", "full_like", "zeros_like", "ones_like"}
    assert offered - others - {"concat", "stack", "cumulative_sum"} == set(CALLS)


# What is asked of a dtype, and constants


@pytest.fixture
def z():
    """A recording array, float32, (3, 2)."""
    kept = []
    record(lambda s, d, r: (kept.append(s[0]), s)[1], (np.ones((3, 2), "float32"),), (), ROWS)
    return kept[0]


def test_a_recorded_array_shows_what_it_is(z):
    assert isinstance(z, Recorded)
    assert (z.shape, z.ndim, z.size, z.dtype.name, z.device) == ((3, 2), 2, 6, "float32", None)
    assert repr(z) == "<recorded float32 (3, 2)>"
    assert bpx.namespace(z) is namespace is z.__array_namespace__()
    assert not hasattr(z, "sum")
    assert not hasattr(bpx.namespace(z), "unique_values")


@pytest.mark.parametrize("dtype", FLOATS)
def test_finfo(dtype, z):
    ours, theirs = namespace.finfo(getattr(namespace, dtype)), np.finfo(dtype)
    for name in ("bits", "eps", "max", "min", "smallest_normal"):
        assert getattr(ours, name) == getattr(theirs, name), name
        assert type(getattr(ours, name)) in (int, float)
    assert ours.dtype is getattr(namespace, dtype)
    assert namespace.finfo(z).bits == 32


@pytest.mark.parametrize("kind", [
    "bool", "signed integer", "unsigned integer", "integral", "real floating", "numeric",
    ("bool", "integral"), ("real floating", "signed integer"),
])  # fmt: skip
@pytest.mark.parametrize("name", DTYPES)
def test_isdtype(name, kind):
    expected = strict.isdtype(getattr(strict, name), kind)
    assert namespace.isdtype(getattr(namespace, name), kind) == expected


def test_isdtype_of_a_dtype():
    assert namespace.isdtype(namespace.int8, namespace.int8)
    assert not namespace.isdtype(namespace.int8, namespace.int16)


@pytest.mark.parametrize("second", [*SIGNED, "float32", "float64", "bool"])
@pytest.mark.parametrize("first", [*SIGNED, "float32", "float64", "bool"])
def test_result_type_is_the_standards_or_is_refused(first, second):
    dtypes = [[getattr(xp, name) for name in (first, second)] for xp in (namespace, strict)]
    try:
        expected = strict.result_type(*dtypes[1])
    except TypeError:
        if "bool" not in (first, second):
            with pytest.raises(RecordingError, match=f"{first} was combined with {second}"):
                namespace.result_type(*dtypes[0])
        return
    assert namespace.result_type(*dtypes[0]).name == str(expected).rpartition(".")[2]


def test_constants():
    numbers = [getattr(namespace, name) for name in ("pi", "e", "inf", "newaxis")]
    assert numbers == [math.pi, math.e, math.inf, None]
    assert math.isnan(namespace.nan)


# What is refused: each with what the message names


def indices(z):
    return namespace.zeros((2,), dtype=namespace.int32)


REFUSED = {
    "NumPy's functions": [
        (lambda z: np.where(z > 0, z, 0.0), "NumPy"),
        (lambda z: np.clip(z, 0, 1), "NumPy"),
        (lambda z: np.dot(z, z.mT), "NumPy"),
        (lambda z: np.asarray(z), "NumPy"),
        (lambda z: np.tanh(z), "tanh"),
        (lambda z: np.maximum(z, 0.0), "maximum"),
    ],
    "numbers": [
        (lambda z: bool(z > 0), "number"),
        (lambda z: z and z, "number"),
        (lambda z: 0.0 < z < 1.0, "number"),
        (lambda z: float(z[0, 0]), "number"),
        (lambda z: int(z[0, 0]), "number"),
        (lambda z: complex(z[0, 0]), "number"),
        (lambda z: math.exp(z[0, 0]), "number"),
        (lambda z: range(indices(z)[0]), "number"),
        (lambda z: len(z), "number"),
        (lambda z: list(z), "number"),
        (lambda z: max(z, 0.0), "number"),
    ],
    "methods": [
        (lambda z: z.sum(), "'sum'"),
        (lambda z: z.astype(namespace.float64), "'astype'"),
        (lambda z: z.reshape(-1), "'reshape'"),
        (lambda z: z.item(), "'item'"),
        (lambda z: z.to_device("cpu"), "'to_device'"),
    ],
    "functions that are not there": [
        (lambda z: namespace.unique_values(z), "'unique_values'"),
        (lambda z: namespace.cumulative_prod(z, axis=0), "'cumulative_prod'"),
        (lambda z: namespace.linalg.qr(z), "'linalg'"),
        (lambda z: namespace.nonzero(z), "'nonzero'"),
        (lambda z: namespace.permute_dims(z[None, :, :], (2, 1, 0)), "'permute_dims'"),
    ],
    "what is no array of the step": [
        (lambda z: np.float32(2.0) * z, "float32|multiply"),
        (lambda z: z * np.float64(2.0), "float64"),
        (lambda z: z + np.ones((3, 2)), "ndarray"),
        (lambda z: np.ones((3, 2)) - z, "ndarray|subtract"),
        (lambda z: np.ones((3, 2)) == z, "ndarray|equal"),
        (lambda z: z.mT @ np.ones((3, 2), "float32"), "product"),
        (lambda z: namespace.add(np.ones(2), z), "ndarray"),
        (lambda z: namespace.tanh(np.ones(2)), "ndarray"),
        (lambda z: namespace.full((2,), z[0, 0], dtype=z.dtype), "full"),
        (lambda z: namespace.full((2,), np.float32(1.0), dtype=z.dtype), "full"),
        (lambda z: namespace.clip(z, np.float32(0.0), 1.0), "float32"),
        (lambda z: z + "a", "str"),
        (lambda z: z * 1j, "complex"),
        (lambda z: z + None, "NoneType"),
    ],
    "dtypes": [
        (lambda z: z + indices(z), "float32 was combined with int32"),
        (lambda z: indices(z) + 0.5, "float .* int32"),
        (lambda z: 1.0 * indices(z), "float .* int32"),
        (lambda z: indices(z) / 2, "divide was called on int32"),
        (lambda z: namespace.exp(indices(z)), "exp was called on int32"),
        (lambda z: (z > 0) + (z > 1), "add was called on bool"),
        (lambda z: (z > 0) == 2, "an array of bool"),
        (lambda z: namespace.where(z > 0, 1.0, 0.1), "none is an array"),
        (lambda z: namespace.sqrt(2.0), "none is an array"),
        (lambda z: -(z > 0), "negative was called on bool"),
        (lambda z: z & z, "bitwise_and was called on float32"),
        (lambda z: namespace.logical_and(z, z), "logical_and was called on float32"),
        (lambda z: namespace.sum(indices(z)), "sum of int32"),
        (lambda z: namespace.sum(z, dtype=namespace.float64), "sum of float32 to float64"),
        (lambda z: namespace.any(z), "any of float32"),
        (lambda z: z @ namespace.astype(z.mT, namespace.float64), "product"),
        (lambda z: namespace.arange(3), "arange"),
        (lambda z: namespace.full((2,), 1.0), "full"),
    ],
    "indices": [
        (lambda z: z[[0, 1]], "list"),
        (lambda z: z[True], "bool"),
        (lambda z: z[np.int64(0)], "int64"),
        (lambda z: z[z > 0.0], "mask"),
        (lambda z: z[:, indices(z)], ""),
        (lambda z: z[..., ...], "ellipsis"),
        (lambda z: namespace.take(z, indices(z), axis=1), "take along axis 1"),
    ],
    "what would be written into": [
        (lambda z: operator.iadd(z, 1.0), "written into"),
        (lambda z: operator.isub(z, z), "written into"),
        (lambda z: operator.imul(z, z), "written into"),
        (lambda z: operator.imatmul(z, z), "written into"),
        (lambda z: operator.setitem(z, 0, 1.0), "written into"),
    ],
    "shapes": [
        (lambda z: z + namespace.ones((4, 2), dtype=z.dtype), "broadcast"),
        (lambda z: z @ z, "product"),
        (lambda z: z @ z[0, :], "product"),
        (lambda z: z[0, :].mT, "transpose"),
        (lambda z: namespace.reshape(z, (4,)), "reshape"),
        (lambda z: namespace.reshape(z, (-1, 4)), "reshape"),
        (lambda z: namespace.squeeze(z, 0), "reshape"),
    ],
}


@pytest.mark.parametrize(
    ("call", "named"),
    [pytest.param(*case, id=f"{group} {i}") for group, them in REFUSED.items()
     for i, case in enumerate(them)],
)  # fmt: skip
def test_what_cannot_be_recorded_is_refused_by_name(call, named):
    def step(state, data, rows):
        call(state[0])
        return state

    with pytest.raises(RecordingError, match=named or None):
        record(step, (np.ones((3, 2), "float32"),), (), ROWS)


def test_the_advice_says_what_to_do_instead(z):
    with pytest.raises(
        RecordingError, match=r"operators and the functions of bpx\.namespace\(x\)"
    ):
        z.sum()
