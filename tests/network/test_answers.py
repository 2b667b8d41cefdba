"""Tables in, answers in their terms."""

from dataclasses import replace

import numpy as np

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
