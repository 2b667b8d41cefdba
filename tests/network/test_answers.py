"""Tables in, answers in their terms."""

from dataclasses import replace

import numpy as np
import pytest

import bpx
from bpx.data import Column
from tests.backends import host

TABLE = {"a": np.linspace(0, 1, 40), "kind": ["low"] * 20 + ["high"] * 20}


def test_arrays_are_in_the_tables_terms_too(tmp_path):
    schema = bpx.data.Schema.fit(TABLE, target="kind")
    net = bpx.Network([1, 1], cost="cross_entropy", schema=schema, seed=0)
    net.fit(TABLE, epochs=60, batch_size=10, optimizer=bpx.Adam(0.1), seed=0)
    assert net.evaluate(TABLE).accuracy > 0.9
    assert net.classify({"a": [0.0, 1.0]}).tolist() == ["low", "high"]
    np.testing.assert_array_equal(net.predict(TABLE), net.predict(TABLE["a"][:, None]))
    net.save(tmp_path / "net")
    assert bpx.load(tmp_path / "net").schema == schema


def test_tables_on_every_backend(target):
    schema = bpx.data.Schema.fit(TABLE, target="kind")
    net = target.network([1, 1], cost="cross_entropy", schema=schema, seed=0)
    here = bpx.Network([1, 1], cost="cross_entropy", schema=schema, seed=0)
    answer = net.predict(TABLE)
    assert isinstance(answer, np.ndarray)
    np.testing.assert_allclose(answer, here.predict(TABLE), rtol=1e-5)
    assert net.classify(TABLE).tolist() == here.classify(TABLE).tolist()
    assert net.evaluate(TABLE).accuracy == here.evaluate(TABLE).accuracy
    x = target.asarray(TABLE["a"][:, None])
    np.testing.assert_allclose(host(net.predict(x)), answer, rtol=1e-5)
    assert net.evaluate(x, TABLE["kind"]).accuracy == here.evaluate(TABLE).accuracy


def test_numbers_come_back_in_their_units_on_every_backend(target):
    table = {"a": TABLE["a"], "price": 1000 + 50 * TABLE["a"]}
    schema = bpx.data.Schema.fit(table, target="price")
    net = target.network([1, 1], output="identity", schema=schema, seed=0)
    raw = net.forward(target.asarray(schema.x(table))).a[-1]
    expected = host(raw) * schema.target.scale + schema.target.center
    x = target.asarray(table["a"][:, None])
    np.testing.assert_allclose(host(net.predict(x)), expected, rtol=1e-5)
    np.testing.assert_allclose(net.predict(table), expected, rtol=1e-5)


def test_a_target_beside_a_table_without_names():
    columns = (Column("0", "number", TABLE["a"]), bpx.data.as_table(TABLE)["kind"])
    table = bpx.data.Table((columns[0], replace(columns[1], name="1")), named=False)
    schema = bpx.data.Schema.fit(table, target=1)
    net = bpx.Network([1, 1], cost="cross_entropy", schema=schema, seed=0)
    inputs = bpx.data.Table(table.columns[:1], named=False)
    assert net.evaluate(inputs, TABLE["kind"]) == net.evaluate(table)


def test_the_inputs_gradients_come_back_where_x_was(target):
    net = bpx.Network([4, 5, 3], output="softmax", cost="cross_entropy", seed=0)
    there = target.network([4, 5, 3], output="softmax", cost="cross_entropy", seed=0)
    x = np.random.default_rng(0).standard_normal((6, 4)).astype("float32")
    y = np.array([0, 1, 2, 0, 1, 2])
    expected = net.input_gradients(x, y)
    assert isinstance(expected, np.ndarray)
    assert expected.dtype == np.float32
    delta = net.backprop(x, y.astype("int32")).delta[0]
    np.testing.assert_array_equal(expected, delta @ net.weights[0])
    np.testing.assert_allclose(there.input_gradients(x, y), expected, rtol=1e-4, atol=1e-6)
    found = there.input_gradients(target.asarray(x), y)
    assert type(found) is type(there.weights[0])
    assert isinstance(net.input_gradients(x.tolist(), y.tolist()), np.ndarray)
    np.testing.assert_array_equal(net.input_gradients((x > 0), y).shape, (6, 4))


def test_the_inputs_gradients_of_a_table_are_of_the_columns_it_becomes():
    schema = bpx.data.Schema.fit(TABLE, target="kind")
    net = bpx.Network([1, 1], cost="cross_entropy", schema=schema, seed=0, dtype="float64")
    found = net.input_gradients(TABLE)
    assert found.shape == (40, len(schema.inputs))
    np.testing.assert_array_equal(
        found, net.input_gradients(TABLE["a"][:, None], TABLE["kind"])
    )
    x, y = schema.x(TABLE), schema.y(TABLE)
    plain = bpx.Network.from_arrays(net.spec, net.parameters, net.home)
    np.testing.assert_allclose(found, plain.input_gradients(x, y), rtol=1e-12)
    with pytest.raises(bpx.InputError, match="no y was given"):
        net.input_gradients(TABLE["a"][:, None])
