"""Columns are found by name, or by place."""

import numpy as np
import pytest

import bpx
from bpx.data import Column
from bpx.data.tables.matching import by_name, by_place, has_target


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


def unnamed(*columns):
    return bpx.data.Table(
        tuple(Column(str(i), "number", np.array(c, float)) for i, c in enumerate(columns)),
        named=False,
    )


FULL = unnamed([5, 6, 7], [1, 2, 4], [2, 1, 3], [9, 8, 9])


def test_the_target_may_be_missing_at_any_place():
    for target in (0, 2, 3):
        schema = bpx.data.Schema.fit(FULL, target=target, task="numbers")
        others = [c for i, c in enumerate(FULL.columns) if i != target]
        without = unnamed(*(c.values for c in others))
        np.testing.assert_array_equal(schema.x(without), schema.x(FULL))
        assert not has_target(without, str(target), schema.known)
        with pytest.raises(bpx.InputError, match="the network's target"):
            schema.y(without)


def test_columns_that_were_left_out_leave_the_others_their_places():
    part = FULL.without([1])
    schema = bpx.data.Schema.fit(part, target=3, task="numbers")
    assert [f.name for f in schema.features] == ["0", "2"]
    np.testing.assert_array_equal(schema.x(part), schema.x(FULL))
    np.testing.assert_array_equal(schema.y(part), schema.y(FULL))
    with pytest.raises(bpx.InputError, match="lacks the column '0'"):
        schema.x(FULL.without([0]))


def test_another_number_of_columns_is_refused():
    schema = bpx.data.Schema.fit(FULL, target=3, task="numbers")
    with pytest.raises(bpx.InputError, match=r"has 2 columns; expected 4, .* or 3 without"):
        schema.x(unnamed([1], [2]))


def test_names_where_there_were_none_and_the_reverse():
    schema = bpx.data.Schema.fit(FULL, target=3, task="numbers")
    with pytest.raises(bpx.InputError, match="give the columns as an array"):
        schema.x({"a": [1.0], "b": [2.0], "c": [3.0]})
    named = bpx.data.Schema.fit({"a": [1.0, 2.0], "b": [2.0, 1.0]})
    with pytest.raises(bpx.InputError, match=r"has no header, .*among them a, b"):
        named.x(unnamed([1], [2]))
