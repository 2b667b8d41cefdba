"""The order of the samples, and the blocks in which sparse rows become dense."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the batches are for scikit-learn's estimators")

import bpx
from bpx.interop.sklearn import rows
from bpx.interop.sklearn.batches import OrderedBatches
from bpx.interop.sklearn.step import PenalisedData
from tests.backends import host

sparse = pytest.importorskip("scipy.sparse", reason="sparse matrices are SciPy's")

HOME = bpx.Network([4, 1], dtype="float64").home
X = np.arange(44.0).reshape(11, 4)
ORDER = np.array([3, 1, 10, 0, 2, 9, 8, 4, 7, 5, 6])


def stretches(x, n=11, size=3):
    data = PenalisedData(x, np.arange(11.0)[:, None], np.arange(11.0) + 100.0, None)
    batches = OrderedBatches(HOME, None, data, size, lambda: ORDER[:n])
    epoch = batches(1)
    assert epoch.samples == n
    return batches, list(epoch.stretches)


@pytest.mark.parametrize("n", [11, 9, 2])
def test_each_sample_once_in_the_order_that_was_drawn(n):
    batches, found = stretches(X, n)
    each = np.concatenate([host(part.rows).reshape(-1) for part in found])
    np.testing.assert_array_equal(each, ORDER[:n])
    assert [part.before for part in found] == np.cumsum([0, *(len(p.sizes) for p in found)])[
        :-1
    ].tolist()
    assert batches.steps == 4


@pytest.mark.parametrize("size", [1, 2, 3])
def test_sparse_rows_are_those_of_the_dense_matrix(monkeypatch, size):
    monkeypatch.setattr(rows, "DENSE_BYTES", 8 * 4 * 7)  # seven rows at a time
    _, dense = stretches(X, size=size)
    _, found = stretches(sparse.csr_array(X), size=size)
    assert len(found) > len(dense)

    def batches(parts):
        return [
            (host(part.data.x)[i], host(part.data.y)[i, 0], host(part.data.s)[i])
            for part in parts
            for i in host(part.rows)
        ]

    for (x, y, s), (x0, y0, s0) in zip(batches(found), batches(dense), strict=True):
        np.testing.assert_array_equal(x, x0)
        np.testing.assert_array_equal(y, y0)
        np.testing.assert_array_equal(s, s0)
    assert all(part.data.x.shape[0] <= max(7, size) for part in found)
