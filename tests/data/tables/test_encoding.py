"""Columns become inputs, or are refused by name."""

import numpy as np
import pytest

import bpx
from bpx.data import Schema

TABLE = {
    "a": [1.0, 2.0, 4.0, 5.0],
    "t": ["x", "y", "x", "y"],
    "d": np.array(["2020-01-01", "2020-01-02", "2020-01-05", "2020-01-09"], "M8[D]"),
}
SCHEMA = Schema.fit(TABLE)


def test_dates_of_an_array_are_days():
    days = TABLE["d"].astype(float)
    x = np.array([TABLE["a"], [0, 0, 0, 0], days]).T
    with pytest.warns(bpx.DataWarning, match="'t' of x has 0 in 4 of 4 rows"):
        found = SCHEMA.x_of_array(x)
    np.testing.assert_array_equal(found[:, [0, 3]], SCHEMA.x(TABLE)[:, [0, 3]])


def test_numbers_in_place_of_dates_are_refused_in_a_table():
    with pytest.raises(bpx.InputError, match=r"'d' .* holds numbers, .* trained on dates"):
        SCHEMA.x({**TABLE, "d": [1.0, 2.0, 3.0, 4.0]})


def test_dates_as_texts_are_refused_with_a_way_to_convert_them():
    texts = np.array(["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"])
    with pytest.raises(bpx.InputError, match=r"holds texts, .* expected dates: convert .*M8"):
        SCHEMA.x({**TABLE, "d": texts})
    assert len(SCHEMA.x({**TABLE, "d": texts.astype("M8[us]")})) == 4


def test_an_unseen_category_is_taken_as_none_or_refused():
    table = {**TABLE, "t": ["x", "z", None, "z"]}
    with pytest.warns(bpx.DataWarning, match="has z in 2 of 4 rows"):
        x = SCHEMA.x(table)
    assert x[:, 1:3].tolist() == [[1, 0], [0, 0], [0, 0], [0, 0]]
    strict = Schema.fit(TABLE, unseen="refuse")
    with pytest.raises(bpx.InputError, match=r"has z .*expected x, y"):
        strict.x(table)


def test_what_float32_does_not_have_is_refused_with_its_row():
    raw = Schema.fit(TABLE, scaling="none")
    with pytest.raises(bpx.InputError, match=r"'a' .* is 1e\+39 in row 2, counted from 1"):
        raw.x({**TABLE, "a": [1.0, 1e39, 2.0, 3.0]})


def test_numbers_of_any_size_are_scaled_alike():
    expected = SCHEMA.x(TABLE)[:, 0]
    for unit in (1e-300, 1e-30, 1e30, 1e300):
        table = {**TABLE, "a": np.array(TABLE["a"]) * unit}
        np.testing.assert_allclose(Schema.fit(table).x(table)[:, 0], expected, rtol=1e-6)


def test_an_unseen_category_has_the_last_code_or_is_refused():
    table = {**TABLE, "t": ["x", "z", None, "z"]}
    with pytest.warns(bpx.DataWarning, match="has z in 2 of 4 rows"):
        x = Schema.fit(TABLE, categories="codes").x(table)
    assert x[:, 1].tolist() == [0, 2, 2, 2]
    strict = Schema.fit(TABLE, categories="codes", unseen="refuse")
    with pytest.raises(bpx.InputError, match=r"has z .*expected x, y"):
        strict.x(table)
