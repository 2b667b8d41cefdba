"""Columns that cannot be meant are refused."""

import numpy as np
import pytest

import bpx


def test_ids_are_refused_unless_they_are_asked_for():
    table = bpx.data.as_table({"id": np.arange(20) + 7, "a": np.linspace(0, 1, 20)})
    with pytest.raises(bpx.InputError, match=r"drop=\['id'\]"):
        bpx.data.Schema.fit(table)
    assert bpx.data.Schema.fit(table, features="all").width == 2
    assert bpx.data.Schema.fit(table, drop=["id"]).width == 1


def test_ids_are_refused_that_float64_rounds():
    ids = 2**62 + np.arange(100) * 1000  # some of them become equal
    assert len(np.unique(ids.astype(float))) < 100
    with pytest.raises(bpx.InputError, match=r"drop=\['id'\]"):
        bpx.data.Schema.fit({"id": ids, "a": np.linspace(0, 1, 100)})


def test_a_column_without_a_name_in_a_table_without_rows():
    empty = bpx.data.as_table({"": [], "a": []})
    with pytest.raises(bpx.InputError, match="has no name"):
        bpx.data.Schema.fit(empty)
