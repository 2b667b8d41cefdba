"""Rows of dense and of sparse samples, at home."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the rows are those of scikit-learn's estimators")

import bpx
from bpx.interop.sklearn import rows
from tests.backends import host

sparse = pytest.importorskip("scipy.sparse", reason="sparse matrices are SciPy's")

X = np.arange(20.0).reshape(5, 4)


@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csr_matrix])
def test_blocks_of_a_sparse_matrix_are_its_rows(monkeypatch, kind):
    monkeypatch.setattr(rows, "DENSE_BYTES", 8 * 4 * 2)
    home = bpx.Network([4, 1]).home
    found = [host(each) for each in rows.blocks(kind(X), home)]
    assert [len(each) for each in found] == [2, 2, 1]
    np.testing.assert_array_equal(np.concatenate(found), X)
    assert all(each.dtype == "float32" for each in found)


def test_dense_samples_are_one_block(target):
    home = target.network([4, 1], dtype="float64").home
    (found,) = rows.blocks(X, home)
    np.testing.assert_array_equal(host(found), X)


def test_rows_are_taken_from_any_array(target):
    picked = np.array([4, 0])
    for x in (X, target.asarray(X), sparse.csr_array(X)):
        found = rows.taken(x, picked)
        found = found.toarray() if rows.is_sparse(x) else host(found)
        np.testing.assert_array_equal(found, X[picked])


def test_labels_stay_integers():
    home = bpx.Network([4, 1], dtype="float64").home
    assert rows.targets(np.array([1, 0], np.int32), home).dtype == "int32"
    assert rows.targets(np.array([[1.0]], np.float32), home).dtype == "float64"
