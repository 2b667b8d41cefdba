"""TOML, as tomllib reads it again."""

import tomllib

import numpy as np
import pytest

from bpx.io.toml import dumps

TREE = {
    "name": 'a "quoted" \\ text\nof two lines \x7f ä',
    "on": True,
    "count": -3,
    "rate": 1e-05,
    "large": 1.5e300,
    "sizes": [3, 4],
    "names": ("a", "b,c"),
    "nothing": [],
    "empty": {},
    "table": {"a": 1, "with space": 2, "inner": {"x-y": 0.1, "ü": "z"}},
    "last": {"off": False},
}


def test_it_is_read_as_it_was():
    expected = {**TREE, "names": ["a", "b,c"]}
    assert tomllib.loads(dumps(TREE)) == expected


def test_an_entry_of_none_is_left_out():
    assert tomllib.loads(dumps({"a": None, "b": {"c": None}})) == {"b": {}}


@pytest.mark.parametrize("value", [float("inf"), float("-inf")])
def test_infinity(value):
    assert tomllib.loads(dumps({"a": value})) == {"a": value}


def test_numbers_of_numpy_are_numbers():
    given = {"a": np.float64(0.1), "b": np.int32(3), "c": [np.float32(0.5), np.bool_(True)]}
    assert tomllib.loads(dumps(given)) == {"a": 0.1, "b": 3, "c": [0.5, True]}


def test_it_says_what_the_usual_library_says():
    tomli_w = pytest.importorskip("tomli_w", reason="the command line is an extra")
    assert tomllib.loads(dumps(TREE)) == tomllib.loads(tomli_w.dumps(TREE))


def test_numbers_before_tables_stay_outside_them():
    assert tomllib.loads(dumps({"t": {"a": 1}, "b": 2})) == {"t": {"a": 1}, "b": 2}
