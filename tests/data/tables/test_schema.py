"""A table becomes samples, by name."""

import json

import numpy as np

import bpx

TABLE = {"a": [1.0, 2.0, 4.0], "t": ["x", "y", "x"], "kind": ["p", "q", "p"]}


def test_the_order_of_the_columns_does_not_matter():
    schema = bpx.data.Schema.fit(TABLE, target="kind")
    x, y = schema.samples(TABLE)
    again = schema.samples({name: TABLE[name] for name in ("kind", "t", "a")})
    np.testing.assert_array_equal(again.x, x)
    np.testing.assert_array_equal(again.y, y)
    assert schema.inputs == ("a", "t=x", "t=y")


def test_it_goes_through_json():
    schema = bpx.data.Schema.fit(TABLE, target="kind")
    assert bpx.data.Schema.restored(json.loads(json.dumps(schema.described()))) == schema
