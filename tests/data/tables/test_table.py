"""Columns by name or by index."""

import pytest

import bpx


def test_a_column_is_found_by_name_first():
    table = bpx.data.as_table({"1": [1.0], "0": [2.0]})
    assert table["1"].values.tolist() == [1.0]
    assert table[1].values.tolist() == [2.0]
    with pytest.raises(bpx.InputError, match="has no column 'x'"):
        table.position("x")
