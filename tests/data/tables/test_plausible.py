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
