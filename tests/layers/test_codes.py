"""Codes, and the rows of a table that belong to them."""

import numpy as np

from bpx.layers.codes import looked_up, nearest, one_hot, rows
from tests.backends import host

LEVELS = 3, 2


def test_each_column_has_its_rows():
    assert rows(LEVELS) == (slice(0, 3), slice(3, 5))


def test_codes_are_rounded_and_kept_within_their_column(target):
    x = [[0.0, 1.0], [2.4, 0.6], [-3.0, 7.0], [1e6, -0.4], [1e10, -1e10]]
    found = nearest(target.asarray(x, "float32"), LEVELS)
    assert str(found.dtype).endswith("int32")
    np.testing.assert_array_equal(host(found), [[0, 1], [2, 1], [0, 1], [2, 0], [2, 0]])


def test_the_largest_codes_are_exact(target):
    largest = 2**23 - 1
    x = target.asarray([[largest - 1.0], [float(largest)]], "float32")
    assert host(nearest(x, (2**23,))).ravel().tolist() == [largest - 1, largest]


def test_the_rows_of_all_columns_stand_side_by_side(target):
    table = np.arange(10.0).reshape(5, 2)
    codes = target.asarray([[0, 1], [2, 0]], "int32")
    found = looked_up(target.asarray(table, "float64"), codes, LEVELS)
    np.testing.assert_array_equal(host(found), [[0, 1, 8, 9], [4, 5, 6, 7]])


def test_several_networks_have_tables_of_their_own_and_share_codes_or_do_not(target):
    tables = np.arange(20.0).reshape(2, 5, 2)
    shared = np.array([[0, 1], [2, 0], [1, 1]])
    for codes in (shared, np.stack([shared, shared[::-1] * 1])):
        found = looked_up(
            target.asarray(tables, "float64"), target.asarray(codes, "int32"), LEVELS
        )
        assert tuple(found.shape) == (2, 3, 4)
        for i in range(2):
            own = codes[i] if codes.ndim == 3 else codes
            expected = looked_up(tables[i], own.astype("int32"), LEVELS)
            np.testing.assert_array_equal(host(found)[i], expected)


def test_one_hot_vectors_have_the_dtype_of_another_array(target):
    like = target.asarray([[1.0]], "float64")
    found = one_hot(target.asarray([[0], [2]], "int32"), 3, like)
    assert found.dtype == like.dtype
    np.testing.assert_array_equal(host(found), [[1, 0, 0], [0, 0, 1]])
