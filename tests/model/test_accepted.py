"""Targets that a cost accepts, and the row of the first that it does not."""

import numpy as np
import pytest

import bpx
from bpx.costs import COSTS
from bpx.model.accepted import refuse_outside

RIGHT = {
    "quadratic": [[-3.0, 7.0], [0.0, 0.0]],
    "binary_cross_entropy": [[0.0, 0.25], [1.0, 1.0]],
    "kl_divergence": [[0.25, 0.75], [1.0, 0.0]],
    "poisson": [[0.0, 2.5], [100.0, 3.0]],
    "hinge": [[0.0, 1.0], [1.0, 1.0]],
    "categorical_hinge": [[0.0, 1.0], [1.0, 0.0]],
}
WRONG = {
    "binary_cross_entropy": ([0.5, 1.5], r"y is outside \[0, 1\] in row 1, .* probabilities"),
    "kl_divergence": ([0.5, 0.6], r"y does not sum to 1 in row 1; .* a distribution"),
    "poisson": ([0.5, -0.1], r"y is negative in row 1, and runs from -0\.1 to .* counts"),
    "hinge": ([0.5, 1.0], r"y is neither 0 nor 1 in row 1, .* the classes 0 and 1"),
    "categorical_hinge": ([1.0, 1.0], r"y is not a class in row 1; .* labels, shape \(3,\)"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_accepted(name):
    refuse_outside(COSTS[name], np.array(RIGHT[name]), "y")


@pytest.mark.parametrize("name", WRONG)
def test_what_is_not(name):
    row, message = WRONG[name]
    y = np.array([RIGHT[name][0], row, RIGHT[name][1]])
    with pytest.raises(bpx.InputError, match=message):
        refuse_outside(COSTS[name], y, "y")


def test_every_kind_is_tried_here():
    kinds = {COSTS[name].targets for name in RIGHT}
    assert kinds == {cost.targets for cost in COSTS.values()}
    assert kinds - {"real"} == {COSTS[name].targets for name in WRONG}
