"""Which columns are the inputs."""

import pytest

import bpx
from bpx.data.tables.fitting import places_of


def test_all_but_the_target_and_what_is_dropped():
    table = bpx.data.as_table({"a": [1.0], "b": [2.0], "c": [3.0]})
    assert places_of(table, 2, None, ["a"]) == ([1], ["a"])
    with pytest.raises(bpx.InputError, match="both as the target"):
        places_of(table, 2, ["c"], [])


def test_one_key_need_not_be_in_a_list():
    table = bpx.data.as_table({"id": [1.0], "d": [2.0], "i": [3.0]})
    assert places_of(table, None, None, "id") == ([1, 2], ["id"])
    assert places_of(table, None, None, 0) == ([1, 2], ["id"])
    assert places_of(table, None, "id", []) == ([0], ["d", "i"])


def test_a_table_without_rows_is_refused():
    with pytest.raises(bpx.InputError, match="no rows"):
        bpx.data.Schema.fit({"a": [], "b": []})


def test_columns_of_one_value_and_of_none_are_left_out():
    schema = bpx.data.Schema.fit(
        {"a": [1.0, 2.0], "one": [3.0, 3.0], "empty": [None, None], "t": ["x", "x"]}
    )
    assert schema.inputs == ("a",)
    assert schema.left_out == ("one", "empty", "t")
