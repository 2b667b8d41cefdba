"""What counts as a right answer."""

import numpy as np
import pytest

from bpx.model.metrics import answers, hits
from tests.backends import host

A = [[0.1, 0.7, 0.2], [0.5, 0.2, 0.3], [0.2, 0.3, 0.5], [0.4, 0.35, 0.25]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_largest_output_is_the_answer(target, dtype):
    y = target.asarray([1, 2, 2, 1], "int32")
    found = hits("argmax", target.asarray(A, dtype), y)
    assert str(found.dtype).endswith(dtype)
    assert host(found).tolist() == [1.0, 0.0, 1.0, 0.0]


@pytest.mark.parametrize("column", [False, True])
def test_a_single_output_says_yes_above_one_half(target, column):
    y = np.array([1.0, 0.0, 0.0, 1.0, 1.0])
    a = target.asarray([[0.6], [0.5], [0.51], [0.49], [0.5]])
    y = target.asarray(y[:, None] if column else y)
    found = hits("threshold", a, answers("threshold", a, y))
    assert tuple(found.shape) == (5,)
    assert host(found).tolist() == [1.0, 1.0, 0.0, 0.0, 0.0]


def test_real_targets_have_no_right_answer(target):
    assert hits(None, target.asarray(A), target.asarray(A)) is None


def test_of_many_networks_at_once(target):
    a = target.asarray(np.stack([A, A[::-1]]))
    found = hits("argmax", a, target.asarray([1, 0, 2, 0], "int32"))
    assert host(found).tolist() == [[1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]]
    y = target.asarray([[1.0, 0.0], [0.0, 1.0]])
    b = target.asarray([[[0.9], [0.8]], [[0.1], [0.2]]])
    assert host(hits("threshold", b, y)).tolist() == [[1.0, 0.0], [1.0, 0.0]]
