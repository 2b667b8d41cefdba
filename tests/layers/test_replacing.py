"""Columns that a layer replaces, and columns that pass."""

import numpy as np
import pytest

from bpx.layers.replacing import Replacing, beside
from tests.backends import host

X = np.arange(10.0).reshape(2, 5)


class Some(Replacing):
    def __init__(self, n_in, columns):
        self.n_in, self.columns = n_in, columns


CASES = [(0,), (4,), (1, 2), (0, 2, 4), (0, 1, 2, 3, 4), (0, 1, 4)]


@pytest.mark.parametrize("columns", CASES)
def test_what_is_parted_is_put_back(target, columns):
    some, x = Some(5, columns), target.asarray(X, "float64")
    others = [each for each in range(5) if each not in columns]
    assert some.passed == tuple(others)
    replaced = some.picked(x)
    np.testing.assert_array_equal(host(replaced), X[:, list(columns)])
    output = some.with_passed(x, replaced, 2.0 * replaced)
    twice = [X[:, others], X[:, list(columns)], 2.0 * X[:, list(columns)]]
    np.testing.assert_array_equal(host(output), np.concatenate(twice, axis=1))
    passed, rest = some.parted(some.with_passed(x, replaced))
    np.testing.assert_array_equal(host(some.restored(passed, rest)), X)
    assert len(passed) == (len(others) > 0)


def test_no_input_is_an_input_of_zeros(target):
    some, part = Some(5, (1, 2)), target.asarray(X[:, 1:3], "float64")
    found = host(some.with_passed(None, part))
    np.testing.assert_array_equal(found, np.concatenate([np.zeros((2, 3)), X[:, 1:3]], axis=1))
    assert Some(2, (0, 1)).with_passed(None, part) is part


def test_several_networks_may_share_what_passes(target):
    parts = np.stack([X[:, 1:3], 2.0 * X[:, 1:3]])
    found = Some(5, (1, 2)).with_passed(
        target.asarray(X, "float64"), target.asarray(parts, "float64")
    )
    for i in range(2):
        np.testing.assert_array_equal(host(found)[i], np.hstack([X[:, [0, 3, 4]], parts[i]]))


def test_one_array_is_not_copied():
    assert beside(X) is X
