"""The target is the last column, unless that is implausible."""

import pytest

import bpx


def test_another_column_may_be_called_the_target():
    table = bpx.data.as_table({"label": ["a", "b"], "n": [1.5, 2.5]})
    with pytest.raises(bpx.InputError, match="target='label' or target='n'"):
        bpx.data.guess_target(table)
    assert bpx.data.guess_target(bpx.data.as_table({"n": [1.5], "x": [2.5]})) == "x"
