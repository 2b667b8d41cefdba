"""Where elements are: strides, views and constants."""

import numpy as np
import pytest

from bpx.export.c.places import Constant, Place, contiguous, evaluated, viewed
from bpx.program.operation import Operation, Value, dtype_of
from tests.export.c.running import assert_same, recorded

F32, I32 = dtype_of("float32"), dtype_of("int32")


def place(*shape):
    return Place("x", shape, contiguous(shape))


def view(name, shape, given=()):
    x = Value((3, 4), F32)
    return Operation(name, (x,), Value(shape, F32), tuple(given))


def test_strides():
    assert contiguous((2, 3, 4)) == (12, 4, 1)
    assert contiguous(()) == ()


def test_an_element():
    assert place(3, 4).at(("i", "j")) == "x[i * 4 + j]"
    assert place(4).at(("m", "i", "j")) == "x[j]"
    assert place(3, 1).at(("i", "j")) == "x[i]"
    assert place(1).at(("i", "j")) == "x[0]"
    assert place().at(("i",)) == "x[0]"
    assert place(2, 3, 4).at(("m", "i", "j")) == "x[m * 12 + i * 4 + j]"


def test_a_transpose_and_a_reshape():
    turned = viewed(view("matrix_transpose", (4, 3)), place(3, 4))
    assert turned.at(("i", "j")) == "x[j * 4 + i]"
    assert viewed(view("reshape", (2, 6)), place(3, 4)).at("ij") == "x[i * 6 + j]"


@pytest.mark.parametrize(
    ("key", "indices", "expected"),
    [
        ((slice(1, None),), "ij", "x[4 + i * 4 + j]"),
        ((slice(None), slice(1, 3)), "ij", "x[1 + i * 4 + j]"),
        ((slice(None), slice(None, None, 2)), "ij", "x[i * 4 + j * 2]"),
        ((slice(None, None, -1),), "ij", "x[8 - i * 4 + j]"),
        ((..., -1), "i", "x[3 + i * 4]"),
        ((slice(None), None), "imj", "x[i * 4 + j]"),
    ],
)
def test_keys(key, indices, expected):
    shape = np.empty((3, 4))[key].shape
    assert viewed(view("getitem", shape, [("key", key)]), place(3, 4)).at(indices) == expected


def test_constants():
    whole = Constant(np.full((2, 3), 7, np.int32), I32, "c")
    counted = Constant(np.arange(5, dtype=np.int32)[:, None], I32, "c")
    other = Constant(np.array([[1, 5]], np.int32), I32, "c")
    assert whole.at(("i", "j")) == "7"
    assert counted.at(("i", "j")) == "(int32_t)i"
    assert other.at(("i", "j")) == "c[j]"
    assert [each.is_written for each in (whole, counted, other)] == [False, False, True]


def test_zeros_of_both_signs_are_written():
    signs = Constant(np.array([0.0, -0.0], np.float32), F32, "c")
    assert signs.is_written
    assert signs.at("j") == "c[j]"


def test_constants_are_computed():
    def each(xp, x):
        return x + xp.astype(xp.arange(3, dtype=xp.int32) * 2, xp.float32)

    program, _ = recorded(each, [np.zeros(3, np.float32)])
    found = evaluated([op for op in program.operations if op.result.dtype == I32])
    assert [each.tolist() for each in found.values()] == [[0, 1, 2], [0, 2, 4]]


@pytest.mark.usefixtures("gcc")
def test_views_and_constants_in_c():
    x = np.arange(24.0, dtype=np.float32).reshape(4, 6)

    def each(xp, x):
        numbers = xp.astype(xp.arange(6, dtype=xp.int32) * 3, xp.float32)
        parts = x.mT + 1.0, x[1:3, ::2] * 2.0, x[:, None, -1] + 0.5, x[::-1, 0] + 1.0
        return (*parts, x + numbers, xp.reshape(x, (3, 8)) - 1.0, xp.reshape(x.mT, (24,)) + 1.0)

    assert_same(each, x)
