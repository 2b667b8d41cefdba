"""Mappings and DataFrames are tables."""

import sys

import numpy as np
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
    with pytest.raises(bpx.InputError, match="expected a table: a DataFrame"):
        bpx.data.as_table([1, 2])


def test_names_that_are_numbers_are_no_places():
    pandas = pytest.importorskip("pandas", reason="it is no dependency of bpx")
    table = bpx.data.as_table(pandas.DataFrame({1: [10.0], 0: [20.0]}))
    assert [(c.name, c.values[0]) for c in table.columns] == [("1", 10), ("0", 20)]
    table = bpx.data.as_table(pandas.DataFrame({7: [10.0]}))
    assert table.names == ("7",)


def test_categories_nullable_columns_and_moments_of_pandas():
    pandas = pytest.importorskip("pandas", reason="it is no dependency of bpx")
    frame = pandas.DataFrame(
        {
            "category": pandas.Categorical(["x", None, "y"]),
            "of numbers": pandas.Categorical([1.0, 2.5, None]),
            "whole": pandas.array([1, None, 2], dtype="Int64"),
            "boolean": pandas.array([True, None, False], dtype="boolean"),
            "moment": pandas.to_datetime(["1970-01-02", None, "1970-01-03"]).tz_localize("UTC"),
            "nanoseconds": pandas.to_datetime(["1970-01-02 00:00:00.123456789"] * 3),
            "duration": pandas.to_timedelta([1, None, 2], unit="min"),
        }
    )
    table = bpx.data.as_table(frame)
    assert table["category"].texts() == ["x", "", "y"]
    assert table["of numbers"].texts() == ["1", "2.5", ""]
    for name, values in {
        "whole": [1, np.nan, 2],
        "boolean": [1, np.nan, 0],
        "moment": [1, np.nan, 2],
        "duration": [60, np.nan, 120],
    }.items():
        np.testing.assert_array_equal(table[name].values, values)
    assert table["nanoseconds"].values[0] == pytest.approx(1 + 0.123456 / 86400, rel=1e-14)


def test_categories_and_enums_of_polars():
    polars = pytest.importorskip("polars", reason="it is no dependency of bpx")
    for dtype in (polars.Categorical, polars.Enum(["y", "x"]), polars.String):
        frame = polars.DataFrame({"t": polars.Series(["x", None, "y"], dtype=dtype)})
        assert bpx.data.as_table(frame)["t"].texts() == ["x", "", "y"]


def test_batches_of_arrow_are_tables():
    pyarrow = pytest.importorskip("pyarrow", reason="it makes the batch")
    pytest.importorskip("narwhals", reason="DataFrames become tables through narwhals")
    batch = pyarrow.record_batch({"a": [1, 2]})
    assert bpx.data.as_table(batch)["a"].values.tolist() == [1, 2]


def test_what_no_table_holds_is_named():
    pandas = pytest.importorskip("pandas", reason="it is no dependency of bpx")
    for values in ([b"x"], [[1]], pandas.period_range("2020", periods=1, freq="M")):
        with pytest.raises(bpx.InputError, match=r"'c' holds .*remove it from the table"):
            bpx.data.as_table(pandas.DataFrame({"c": values}))
    with pytest.raises(bpx.InputError, match="distinct names"):
        bpx.data.as_table(pandas.DataFrame([[1, 2]], columns=["a", "a"]))


def test_without_what_reads_dataframes_the_command_is_named(monkeypatch):
    pandas = pytest.importorskip("pandas", reason="it is no dependency of bpx")
    monkeypatch.setitem(sys.modules, "narwhals", None)
    with pytest.raises(bpx.InputError, match="pip install pyarrow narwhals"):
        bpx.data.as_table(pandas.DataFrame({"a": [1]}))
    assert bpx.data.as_table({"a": [1]}).names == ("a",)
