"""Classes by name, numbers in their units."""

import numpy as np
import pytest

import bpx
from bpx.data.tables.column import of_array
from bpx.data.tables.target import fit_target, task_of


def test_labels_from_one_are_classes():
    column = of_array("k", np.arange(80) % 3 + 1)
    target = fit_target(column, "classes", "standard", np.arange(80))
    assert target.classes == (1, 2, 3)
    assert target.encode(column, "t")[:3].tolist() == [0, 1, 2]


def test_numbers_come_back_in_their_units():
    column = of_array("n", [1.5, 2.5, 4.0])
    target = fit_target(column, "numbers", "standard", np.arange(3))
    back = target.decode(target.encode(column, "t"))
    np.testing.assert_allclose(back, column.values, rtol=1e-6)


def test_one_value_leaves_nothing_to_learn():
    table = bpx.data.as_table({"a": [1.0, 2.0], "k": ["x", "x"]})
    with pytest.raises(bpx.InputError, match="always x"):
        task_of(table["k"], table)
