"""What the passes expect of arrays, and what they say to others."""

import numpy as np
import pytest

import bpx
from bpx.errors import MixedArraysError
from bpx.model.expected import (
    as_inputs,
    as_targets,
    check_home,
    check_inputs,
    check_targets,
    row_weights,
)
from bpx.model.initial import draw
from bpx.model.spec import make_spec
from tests.backends import host

SPEC, SINGLE = make_spec([4, 5, 3]), make_spec([4, 1])
PARAMETERS = draw(SPEC, None, 0)
X = np.ones((6, 4))


# Inputs as numbers


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("stored", ["bool", "int8", "uint8"])
def test_bytes_become_numbers(target, stored, dtype):
    like = target.asarray([0.0], dtype)
    x = as_inputs(target.asarray([[0, 1], [1, 1]], stored), like)
    assert x.dtype == like.dtype
    np.testing.assert_array_equal(host(x), [[0.0, 1.0], [1.0, 1.0]])
    assert as_inputs(x, like) is x


# Targets as numbers


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_labels_become_one_hot_rows(target, dtype):
    x = target.asarray(X, dtype)
    labels = [0, 2, 1, 1, 0, 2]
    y = as_targets(SPEC, target.asarray(labels, "int32"), x)
    assert y.dtype == x.dtype
    np.testing.assert_array_equal(host(y), np.eye(3)[labels])


def test_numbers_stay_as_they_are(target):
    x = target.asarray(X)
    y = target.asarray(np.arange(18.0).reshape(6, 3))
    assert as_targets(SPEC, y, x) is y


def test_a_single_output_takes_numbers_and_a_column(target):
    x, y = target.asarray(X), target.asarray([0, 1, 1, 0, 1, 0], "int32")
    found = as_targets(SINGLE, y, x)
    assert tuple(found.shape) == (6, 1)
    assert found.dtype == x.dtype
    assert host(found)[:, 0].tolist() == [0.0, 1.0, 1.0, 0.0, 1.0, 0.0]


# Row weights


def test_the_mean_unless_said_otherwise(target):
    x = target.asarray(X)
    assert row_weights(x, None) == 1 / 6
    assert row_weights(x, 2.5) == 2.5
    assert type(row_weights(x, np.float64(2.5))) is float
    assert type(row_weights(x, 3)) is float
    column = target.asarray(np.ones((6, 1)))
    assert row_weights(x, column) is column


@pytest.mark.parametrize("shape", [(6,), (1, 6), (5, 1), (6, 4)])
def test_row_weights_of_another_shape_are_refused(target, shape):
    r = target.asarray(np.ones(shape))
    with pytest.raises(bpx.InputError, match=r"for 6 samples; .* \(6, 1\): r\[:, None\]"):
        row_weights(target.asarray(X), r)


def test_row_weights_of_another_dtype_are_refused():
    with pytest.raises(MixedArraysError, match="dtype='float64'"):
        row_weights(X, np.ones((6, 1), "float32"))


# Inputs and targets


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((4,), r"shape \(4,\); expected \(n, 4\) .* a single sample is x\[None, :\]"),
        ((6, 5), r"\(6, 5\); expected \(n, 4\) with n >= 1: one sample per row, 4 inputs$"),
        ((0, 4), "n >= 1"),
        ((2, 3, 4), r"shape \(2, 3, 4\)"),
    ],
)
def test_inputs_of_another_shape_are_refused(shape, message):
    assert check_inputs(SPEC, PARAMETERS, X) is None
    with pytest.raises(bpx.InputError, match=message):
        check_inputs(SPEC, PARAMETERS, np.ones(shape))


@pytest.mark.parametrize("shape", [(5,), (6, 2), (6, 1), (1, 6), ()])
def test_targets_of_another_shape_are_refused(shape):
    with pytest.raises(bpx.InputError, match=r"for 6 samples; expected labels \(6,\) or num"):
        check_targets(SPEC, PARAMETERS, X, np.zeros(shape, "int32"))


@pytest.mark.parametrize("dtype", ["int8", "int64", "bool"])
def test_labels_are_whole(dtype):
    assert check_targets(SPEC, PARAMETERS, X, np.zeros(6, dtype)) is None
    with pytest.raises(bpx.InputError, match=r"labels for 3 outputs are integers, while"):
        check_targets(SPEC, PARAMETERS, X, np.zeros(6))


def test_a_single_output_takes_numbers():
    single = draw(SINGLE, None, 0)
    assert check_targets(SINGLE, single, X, np.zeros(6)) is None


# Home


def test_what_is_at_home_passes(target):
    w = target.asarray(X)
    assert check_home(w, "x", w, integers=False) is None
    assert check_home(w, "y", target.asarray([1, 2], "int32"), integers=True) is None


@pytest.mark.parametrize(
    ("x", "integers", "message"),
    [
        ([[1.0]], False, r"x is .*; expected an array at the network's home"),
        (
            X.astype("float32"),
            False,
            r"bpx\.move_to\(x, like=net\.weights\[0\], dtype='float64'",
        ),
        (X.astype("int32"), False, "nothing is moved silently"),
        (X.astype("float32"), True, r"like=net\.weights\[0\]\)$"),
    ],
)
def test_what_is_not_is_told_how_to_come(x, integers, message):
    with pytest.raises(MixedArraysError, match=message):
        check_home(PARAMETERS.w[0], "x", x, integers=integers)


def test_an_array_of_another_library_or_device_is_refused(target):
    if target.spec == "numpy":
        pytest.skip("it is the host's own")
    with pytest.raises(MixedArraysError, match=r"bpx\.move_to\(x"):
        check_home(target.asarray(X, "float64"), "x", X, integers=False)


def test_another_device_of_the_same_library_is_another_home():
    here, there = (bpx.asarray(X, backend=spec) for spec in ("strict", "strict:device1"))
    with pytest.raises(MixedArraysError, match="nothing is moved silently"):
        check_home(here, "x", there, integers=False)


def test_masked_arrays_are_refused():
    with pytest.raises(bpx.InputError, match="masked"):
        check_home(PARAMETERS.w[0], "x", np.ma.masked_less(X, 2.0), integers=False)
