"""A table becomes samples, by name."""

import json
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bpx
from bpx.data import Schema

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


KINDS = st.sampled_from(["number", "missing", "category", "boolean", "date"])


def drawn(kind, rng, n):
    if kind == "number":
        return rng.normal(size=n)
    if kind == "missing":
        return np.where(rng.random(n) < 0.5, np.nan, rng.normal(size=n))
    if kind == "boolean":
        return rng.random(n) < 0.5
    if kind == "date":
        return np.datetime64("2020-01-01") + rng.integers(0, 999, n)
    return np.array([None, "x", "y, z", "1"], object)[rng.integers(0, 4, n)]


@given(
    kinds=st.lists(KINDS, min_size=1, max_size=5),
    seed=st.integers(0, 2**32),
    scaling=st.sampled_from(["standard", "robust", "none"]),
)
def test_any_table_in_any_order_and_through_json(kinds, seed, scaling):
    rng = np.random.default_rng(seed)
    table = {f"c{i}": drawn(kind, rng, 40) for i, kind in enumerate(kinds)}
    table["always"] = np.arange(40.0) / 7
    schema = Schema.fit(table, scaling=scaling)
    x = schema.x(table)
    assert x.shape == (40, schema.width) == (40, len(schema.inputs))
    assert np.isfinite(x).all()
    turned = {name: table[name] for name in rng.permutation([*table])}
    np.testing.assert_array_equal(schema.x(turned), x)
    restored = Schema.restored(json.loads(json.dumps(schema.described(), allow_nan=False)))
    assert restored == schema
    np.testing.assert_array_equal(restored.x(turned), x)


def test_one_row_is_encoded_as_among_others():
    schema = Schema.fit(TABLE, target="kind")
    x = schema.x(TABLE)
    for i in range(3):
        row = {name: [values[i]] for name, values in TABLE.items()}
        np.testing.assert_array_equal(schema.x(row), x[i : i + 1])


def test_the_rows_of_training_alone_are_fitted():
    table = {"a": [1.0, 3.0, 100.0], "t": ["x", "y", "z"], "kind": ["p", "q", "r"]}
    schema = Schema.fit(table, target="kind", rows=np.array([True, True, False]))
    assert (schema.features[0].center, schema.features[1].levels) == (2.0, ("x", "y"))
    assert schema.target.classes == ("p", "q", "r")


def test_targets_of_arrays_are_those_of_tables():
    schema = Schema.fit(TABLE, target="kind")
    np.testing.assert_array_equal(schema.y_of_array(TABLE["kind"]), schema.y(TABLE))
    with pytest.raises(bpx.InputError, match="has no target"):
        Schema.fit({"a": [1.0, 2.0]}).y_of_array([1.0])


def test_ten_thousand_columns():
    names = [f"c{i}" for i in range(10_000)]
    values = np.random.default_rng(0).normal(size=(3, 10_000))
    table = dict(zip(names, values.T, strict=True))
    schema = Schema.fit(table)
    assert schema.x(table).shape == (3, 10_000)


@pytest.mark.parametrize(
    "change",
    [
        {"features": []},
        {"features": "ab"},
        {"target": {}},
        {"left_out": [1]},
        {"left_out": None},
        {"named": "no"},
        {"named": False},  # whose columns would be places
        {"unseen": "other"},
        {"unseen": None},
    ],
)
def test_what_no_schema_is(change):
    described = Schema.fit(TABLE, target="kind").described()
    with pytest.raises((KeyError, TypeError, ValueError)):
        Schema.restored({**described, **change})
    for name in described:
        with pytest.raises((KeyError, TypeError, ValueError)):
            Schema.restored({key: described[key] for key in described if key != name})


def test_a_column_twice_is_no_schema():
    described = Schema.fit(TABLE, target="kind").described()
    described["features"] *= 2
    with pytest.raises(ValueError, match="no schema"):
        Schema.restored(described)


def test_a_target_may_be_scaled_unlike_the_inputs():
    table = {"a": [1.0, 2.0, 6.0], "y": [0.5, 1.5, 4.0]}
    fit = partial(Schema.fit, table, target="y", task="numbers")
    both, own = fit(scaling="robust"), fit(scaling="robust", target_scaling="mean")
    assert own.features == both.features
    assert (own.target.center, own.target.scale) == (0.0, 2.0)
    assert fit(target_scaling="none").target.scale == 1.0
    assert fit(target_scaling="robust").target == both.target != fit().target
    assert Schema.restored(own.described()) == own
    with pytest.raises(bpx.InputError, match="target_scaling='log' was given; expected"):
        fit(target_scaling="log")
