"""A problem with some of its samples."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="problems are those of scikit-learn's estimators")

import bpx
from bpx.interop.sklearn.problem import Problem


@pytest.mark.parametrize("weighted", [False, True])
def test_rows_are_taken_from_all_of_it(weighted):
    net = bpx.Network([2, 1])
    x, y, s = np.arange(8.0).reshape(4, 2), np.arange(4.0)[:, None], np.arange(4.0)
    problem = Problem(net.spec, net.home, x, y, s if weighted else None, 0.5, 1.0)
    part = problem.rows(np.array([3, 1]))
    assert (part.n, part.alpha, part.spec) == (2, 0.5, net.spec)
    np.testing.assert_array_equal(part.x, x[[3, 1]])
    np.testing.assert_array_equal(part.y, y[[3, 1]])
    if weighted:
        np.testing.assert_array_equal(part.s, s[[3, 1]])
    else:
        assert part.s is None
