"""Tables in, answers in their terms."""

import numpy as np

import bpx

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
