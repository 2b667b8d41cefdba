"""Recording arrays against real ones: indices, operators, and what is refused by name."""

import math
import operator

import numpy as np
import pytest

import bpx
from bpx.errors import RecordingError
from bpx.program.array import Recorded
from bpx.program.namespace import namespace
from bpx.program.record import record
from tests.program.calls import BITS, FLOATS, ROWS, SIGNED, Call, cases, check, recording_array

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


@pytest.fixture
def z():
    return recording_array()


@pytest.mark.parametrize(("function", "dtype"), cases(SYNTAX))
def test_a_recorded_expression_is_that_of_a_real_array(function, dtype):
    check(function, dtype)


def test_a_recorded_array_shows_what_it_is(z):
    assert isinstance(z, Recorded)
    assert (z.shape, z.ndim, z.size, z.dtype.name, z.device) == ((3, 2), 2, 6, "float32", None)
    assert repr(z) == "<recorded float32 (3, 2)>"
    assert bpx.namespace(z) is namespace is z.__array_namespace__()
    assert not hasattr(z, "sum")
    assert not hasattr(bpx.namespace(z), "unique_values")


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
        (lambda z: bool(z > 0), "value"),
        (lambda z: z and z, "value"),
        (lambda z: 0.0 < z < 1.0, "value"),
        (lambda z: float(z[0, 0]), "value"),
        (lambda z: int(z[0, 0]), "value"),
        (lambda z: complex(z[0, 0]), "value"),
        (lambda z: math.exp(z[0, 0]), "value"),
        (lambda z: range(indices(z)[0]), "value"),
        (lambda z: len(z), "value"),
        (lambda z: list(z), "value"),
        (lambda z: max(z, 0.0), "value"),
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
        (lambda z: namespace.where(z > 0, 1.0, 0.1), "none of .* is an array"),
        (lambda z: namespace.sqrt(2.0), "none of .* is an array"),
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
        (lambda z: operator.iadd(z, 1.0), "was modified"),
        (lambda z: operator.isub(z, z), "was modified"),
        (lambda z: operator.imul(z, z), "was modified"),
        (lambda z: operator.imatmul(z, z), "was modified"),
        (lambda z: operator.setitem(z, 0, 1.0), "was modified"),
    ],
    "shapes": [
        (lambda z: z + namespace.ones((4, 2), dtype=z.dtype), "broadcast"),
        (lambda z: z @ z, "product"),
        (lambda z: z @ z[0, :], "product"),
        (lambda z: z[0, :].mT, "transpose"),
        (lambda z: z[None, ...].T, "T was used on .* use mT"),
        (lambda z: namespace.permute_dims(z[None, ...], (1, 0)), "permute_dims"),
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
