"""Columns by name or by index."""

import numpy as np
import pytest

import bpx
from bpx.data import Column


def test_a_column_is_found_by_name_first():
    table = bpx.data.as_table({"1": [1.0], "0": [2.0]})
    assert table["1"].values.tolist() == [1.0]
    assert table[1].values.tolist() == [2.0]
    with pytest.raises(bpx.InputError, match="has no column 'x'"):
        table.position("x")


def unnamed(*columns):
    made = [Column(str(i), "number", np.array(c, float)) for i, c in enumerate(columns)]
    return bpx.data.Table(tuple(made), named=False)


def test_a_column_without_a_name_keeps_its_index():
    part = unnamed([1], [2], [3], [4]).without([1])
    assert [part[key].values[0] for key in ("2", 2, np.int64(3), 0, -1)] == [3, 3, 4, 1, 4]
    for key in (1, "1", 4):
        with pytest.raises(bpx.InputError, match="has no column"):
            part.position(key)


@pytest.mark.parametrize("key", [None, (1, 2), "x", 9])
def test_what_is_no_column(key):
    with pytest.raises(bpx.InputError, match="has no column"):
        bpx.data.as_table({"a": [1.0]}).position(key)


def test_rows_are_no_columns_but_can_be_taken():
    table = bpx.data.as_table({"a": [1.0, 2.0, 3.0], "b": ["x", "y", "z"]})
    for key in (slice(2), np.array([True, False, True]), np.arange(2)):
        with pytest.raises(bpx.InputError, match=r"for rows, use table\.take\(rows\)$"):
            table[key]
    assert table.take(slice(1, None))["a"].values.tolist() == [2.0, 3.0]
    assert table.take(np.array([True, False, True]))["b"].labels() == ["x", "z"]


def test_two_columns_of_one_name_are_refused():
    column = Column("a", "number", np.array([1.0]))
    with pytest.raises(bpx.InputError, match="several columns called 'a'"):
        bpx.data.Table((column, column))
    nameless = Column("", "number", np.array([1.0]))
    assert bpx.data.Table((nameless, nameless)).names == ("", "")
