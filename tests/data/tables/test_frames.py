"""Mappings and DataFrames are tables."""

import pytest

import bpx


def test_a_pandas_index_is_no_column():
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    pytest.importorskip("narwhals", reason="narwhals is not installed")
    frame = pandas.DataFrame({"a": [1, 2, 3], "b": ["x", "y", None]}).iloc[1:]
    table = bpx.data.as_table(frame)
    assert table.names == ("a", "b")
    assert table["b"].missing.tolist() == [False, True]


def test_what_is_no_table_is_refused():
    with pytest.raises(bpx.InputError, match="expected a DataFrame"):
        bpx.data.as_table([1, 2])
