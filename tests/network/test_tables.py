"""A network at the boundary of tables."""

import numpy as np
import pytest

import bpx


def test_a_network_remembers_the_names_it_was_trained_on():
    net = bpx.Network([2, 2], output="softmax", cost="cross_entropy", seed=0)
    table = {"a": np.linspace(0, 1, 10), "b": np.linspace(1, 0, 10)}
    net.fit(table, np.arange(10) % 2, epochs=1, batch_size=5, optimizer=bpx.SGD(0.1), seed=0)
    turned = {name: table[name] for name in ("b", "a")}
    np.testing.assert_array_equal(net.predict(turned), net.predict(table))


def test_a_schema_of_other_sizes_is_refused():
    schema = bpx.data.Schema.fit({"a": [1.0, 2.0], "k": ["x", "y"]}, target="k")
    with pytest.raises(bpx.InputError, match="gives 1 inputs"):
        bpx.Network([3, 1], schema=schema)


@pytest.mark.parametrize("make", [list, np.array, "Series"])
def test_a_target_may_be_anything_that_a_column_is(make):
    if make == "Series":
        pandas = pytest.importorskip("pandas", reason="it is no dependency of bpx")
        make = lambda y: pandas.Series(y, dtype="string")  # noqa: E731
    table = {"a": [1.0, 2.0, 3.0, 4.0], "k": ["x", "y", "x", "y"]}
    schema = bpx.data.Schema.fit(table, target="k")
    net = bpx.Network([1, 1], cost="cross_entropy", schema=schema, seed=0)
    assert net.evaluate({"a": table["a"]}, make(table["k"])) == net.evaluate(table)
