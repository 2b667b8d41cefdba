"""The notes in a network's file."""

import json

import numpy as np
import pytest

import bpx
from bpx.network import notes
from bpx.privacy import Mechanism


def test_mechanisms_come_back():
    told = json.loads(json.dumps({"mechanisms": [Mechanism(1.0, 0.1, 3, False)]}))
    assert notes.are_right(told)
    assert notes.mechanisms(told) == (Mechanism(1.0, 0.1, 3, False),)
    assert notes.mechanisms({}) == ()


def test_a_schema_comes_back():
    table = {"a": np.arange(4.0), "b": np.array(["x", "y", "x", "y"])}
    schema = bpx.data.Schema.fit(table, target="b")
    told = json.loads(json.dumps({"schema": schema.described()}))
    assert notes.are_right(told)
    assert notes.schema(told) == schema
    assert notes.schema({}) is None


@pytest.mark.parametrize("told", [{"mechanisms": [[1]]}, {"mechanisms": 3}, {"schema": 3}])
def test_what_is_wrong(told):
    try:
        right = notes.are_right(told)
    except (KeyError, TypeError, ValueError):
        right = False
    assert not right
