"""Zero sums that are the same arrays each time."""

import numpy as np
import pytest

import bpx
from bpx.training.zeros import Zeros


@pytest.mark.parametrize("accuracy", [None, "argmax"])
def test_they_are_made_once_for_each_kind(target, accuracy):
    parameters, zeros = target.network([3, 2], seed=0).parameters, Zeros()
    made = zeros(parameters, 4, accuracy)
    assert zeros(parameters, 4, accuracy) is made
    assert zeros(parameters, 5, accuracy) is not made
    np.testing.assert_array_equal(bpx.to_host(made.cost), np.zeros(4))
    assert (made.hits is None) == (accuracy is None)
    assert made.weights is None


def test_with_weights_there_is_their_sum():
    parameters = bpx.Network([3, 2], seed=0, backend="numpy").parameters
    zeros = Zeros()
    assert zeros(parameters, 4, "argmax", True).weights is not None
    assert zeros(parameters, 4, "argmax").weights is None
