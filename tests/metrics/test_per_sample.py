"""Metrics of each sample: their values on every backend."""

import numpy as np
import pytest

import bpx
from bpx.metrics import absolute_error, mae, top_k
from tests.backends import host

A = [[0.1, 0.7, 0.2], [0.5, 0.1, 0.4], [0.3, 0.3, 0.3], [0.0, 0.0, 1.0]]


@pytest.mark.parametrize(
    ("k", "expected"), [(1, [1, 0, 0, 1]), (2, [1, 1, 1, 1]), (3, [1] * 4), (9, [1] * 4)]
)
def test_the_label_is_among_the_k_largest(target, k, expected):
    a, y = target.asarray(A), target.asarray([1, 2, 1, 2], "int32")
    assert host(top_k(k).measured(a, y)).tolist() == expected


def test_equal_outputs_are_ranked_as_argmax_does(target):
    y = target.asarray([0, 1, 2], "int32")
    a = target.asarray(np.full((3, 3), 0.5))
    assert host(top_k(1).measured(a, y)).tolist() == [1, 0, 0]
    assert host(top_k(2).measured(a, y)).tolist() == [1, 1, 0]


def test_an_output_that_is_nan_is_not_among_them():
    a = np.array([[np.nan, 1.0]], np.float32)
    assert top_k(1).measured(a, np.array([0], np.int32)).tolist() == [0.0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("a", "y", "expected"),
    [
        ([[1.0, 2.0], [0.0, 4.0]], [[0.0, 4.0], [0.0, 0.0]], [1.5, 2.0]),
        ([[1.0], [4.0]], [3.0, 4.5], [2.0, 0.5]),
        ([[1.0], [4.0]], [[3.0], [4.5]], [2.0, 0.5]),
    ],
)
def test_the_absolute_error(target, dtype, a, y, expected):
    found = absolute_error.measured(target.asarray(a, dtype), target.asarray(y, dtype))
    assert host(found).tolist() == expected
    assert str(found.dtype).endswith(dtype)


def test_the_absolute_error_takes_labels_as_one_hot_rows(target):
    y = target.asarray([1, 0, 2, 2], "int32")
    found = host(absolute_error.measured(target.asarray(A), y))
    expected = np.abs(np.array(A) - np.eye(3)[[1, 0, 2, 2]]).mean(axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize(("k", "y"), [(3, np.ones((4, 3))), (1, np.ones(4))])
def test_numbers_have_no_rank(k, y):
    with pytest.raises(bpx.InputError, match=r"'top_2' was given targets .*; expected labels"):
        top_k(2).measured(np.ones((4, k)), y)


@pytest.mark.parametrize("k", [0, 1.5, True])
def test_a_k_that_is_no_count(k):
    with pytest.raises(bpx.InputError, match=f"k={k!r} was given"):
        top_k(k)


def test_mae_is_the_absolute_error():
    a, y = np.array(A), np.array([1, 0, 2, 2], "int32")
    assert mae.measured(a, y).tolist() == absolute_error.measured(a, y).tolist()
