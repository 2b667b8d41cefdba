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


def test_classes_are_weighed_by_name():
    table = {"a": np.linspace(0, 1, 20), "kind": ["rare"] * 5 + ["often"] * 15}
    schema = bpx.data.Schema.fit(table, target="kind")
    settings = {"epochs": 3, "batch_size": 5, "optimizer": bpx.SGD(0.3), "seed": 0}
    by_name, by_label = (
        bpx.Network([1, 1], cost="cross_entropy", schema=chosen, seed=0)
        for chosen in (schema, None)
    )
    by_name.fit(table, class_weight={"rare": 4.0}, **settings)
    by_label.fit(*schema.samples(table), class_weight={1: 4.0}, **settings)
    assert schema.target.classes == ("often", "rare")
    np.testing.assert_array_equal(by_name.weights[0], by_label.weights[0])
    with pytest.raises(
        bpx.InputError, match="not a class of 'kind'; the classes are 'often', 'rare'"
    ):
        by_name.fit(table, class_weight={"none": 2.0}, **settings)
