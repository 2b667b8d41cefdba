"""Columns are found by name, or by place."""

import pytest

import bpx
from bpx.data.tables.matching import by_name, by_place


def test_by_name_in_any_order():
    table = bpx.data.as_table({"b": [1.0], "a": [2.0]})
    assert by_name(table, ["a", "b"], {"a", "b"}) == [1, 0]
    with pytest.warns(bpx.DataWarning, match="'b'"):
        by_name(table, ["a"], {"a"})
    with pytest.raises(bpx.InputError, match="lacks the column 'c'"):
        by_name(table, ["c"], {"c"})


def test_by_place_without_the_target():
    table = bpx.data.as_table({"0": [1.0], "1": [2.0]})
    assert by_place(table, ["0", "2"], "1", ()) == [0, 1]
