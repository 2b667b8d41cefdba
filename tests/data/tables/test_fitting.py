"""Which columns are the inputs."""

import pytest

import bpx
from bpx.data.tables.fitting import places_of


def test_all_but_the_target_and_what_is_dropped():
    table = bpx.data.as_table({"a": [1.0], "b": [2.0], "c": [3.0]})
    assert places_of(table, 2, None, ["a"]) == ([1], ["a"])
    with pytest.raises(bpx.InputError, match="both as the target"):
        places_of(table, 2, ["c"], [])
