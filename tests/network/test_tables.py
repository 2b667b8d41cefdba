"""A network at the boundary of tables."""

from functools import partial

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


# The units of a target

HOUSES = {
    "area": np.linspace(20.0, 200.0, 40),
    "price": 3e5 + 2e3 * np.linspace(20.0, 200.0, 40) + 4e3 * np.sin(np.arange(40.0)),
}
PRICED = bpx.data.Schema.fit(HOUSES, target="price")
NAMES = ("mae", "rmse", "absolute_error", "r2")


def priced(schema=PRICED):
    return bpx.Network([1, 4, 1], output="identity", schema=schema, seed=0, dtype="float64")


def in_units(net, table=HOUSES):
    off = net.predict(table)[:, 0] - table["price"]
    spread = ((table["price"] - table["price"].mean()) ** 2).sum()
    mae, rmse = np.abs(off).mean(), (off**2).mean() ** 0.5
    return dict(zip(NAMES, (mae, rmse, mae, 1.0 - (off**2).sum() / spread), strict=True))


def test_metrics_have_the_units_of_the_target():
    net = priced()
    found = net.evaluate(HOUSES, metrics=NAMES)
    assert found.metrics == pytest.approx(in_units(net), rel=1e-5)
    assert found.metrics["mae"] > 1e4
    assert found.cost < 10.0  # that of the scaled numbers
    scaled = bpx.Network.from_arrays(net.spec, net.parameters, home=net.home).evaluate(
        *PRICED.samples(HOUSES), metrics=NAMES
    )
    factor = found.metrics["mae"] / scaled.metrics["mae"]
    assert factor == pytest.approx(PRICED.target.scale, rel=1e-6)
    assert found.metrics["r2"] == pytest.approx(scaled.metrics["r2"], rel=1e-12)


@pytest.mark.parametrize("kind", ["data", "split", "batches", "stream"])
def test_so_have_those_of_training(kind):
    net = priced()
    how = {"optimizer": bpx.SGD(0.1), "epochs": 1, "metrics": NAMES, "seed": 0}
    parts = [{name: cells[i : i + 10] for name, cells in HOUSES.items()} for i in (0, 10, 20)]
    pairs = [(part["area"][:, None], part["price"]) for part in parts]
    if kind == "batches":
        training = bpx.train(net, batches=pairs, validation=HOUSES, **how)
    elif kind == "stream":
        given = bpx.data.stream(parts)
        training = bpx.train(net, given, batch_size=10, validation=HOUSES, **how)
    else:
        held = {"validation_split": 0.5} if kind == "split" else {"validation": HOUSES}
        training = bpx.train(net, HOUSES, batch_size=10, **held, **how)
    found = next(training).validation.metrics
    if kind != "split":
        assert found == pytest.approx(in_units(net), rel=1e-5)
    assert 1e4 < found["mae"] < 1e6


def test_a_metric_of_ones_own_may_have_a_unit():
    def off(a, y):
        return bpx.namespace(a).abs(a[..., 0] - y)

    def sums(a, y, s):
        xp = bpx.namespace(a)
        return (xp.max(xp.abs(a - y), axis=(-2, -1)),)

    own = [
        bpx.metrics.Metric("off", off, in_units=True),
        bpx.metrics.Metric("plain", off),
        bpx.metrics.Total("largest", sums, float, in_units=True),
    ]
    net = priced()
    found = net.evaluate(HOUSES, metrics=own).metrics
    errors = np.abs(net.predict(HOUSES)[:, 0] - HOUSES["price"])
    scale = PRICED.target.scale
    expected = {"off": errors.mean(), "plain": errors.mean() / scale, "largest": errors.max()}
    assert found == pytest.approx(expected, rel=1e-5)


def test_classes_have_no_unit():
    table = {"a": [1.0, 2.0, 3.0, 4.0], "k": ["x", "y", "x", "y"]}
    schema = bpx.data.Schema.fit(table, target="k")
    net = bpx.Network([1, 1], cost="cross_entropy", schema=schema, seed=0)
    plain = bpx.Network.from_arrays(net.spec, net.parameters, home=net.home)
    found = (
        net.evaluate(table, metrics=["mae"]),
        plain.evaluate(*schema.samples(table), metrics=["mae"]),
    )
    assert found[0].metrics == found[1].metrics


# Categories as codes

RNG = np.random.default_rng(0)
TOWNS = RNG.integers(0, 30, 300)
CUSTOMERS = {
    "age": np.where(RNG.random(300) < 0.1, np.nan, RNG.uniform(20, 70, 300)),
    "town": [None if i % 40 == 7 else f"t{t:02d}" for i, t in enumerate(TOWNS)],
    "member": RNG.random(300) < 0.4,
    "bought": np.where(RNG.normal(size=30)[TOWNS] + RNG.normal(size=300) / 9 > 0, "yes", "no"),
}
CODED = bpx.data.Schema.fit(CUSTOMERS, target="bought", categories="codes")


def coded(*below, schema=CODED, **settings):
    layers = [*below, bpx.Dense(below[-1].n_out, 1, "sigmoid")]
    return bpx.Network(layers, cost="cross_entropy", schema=schema, seed=0, **settings)


@pytest.mark.parametrize("first", ["embedding", "periodic"])
def test_a_network_learns_from_categories(first, tmp_path):
    if first == "embedding":
        embedding = bpx.Embedding.of(CODED, 4)
        below = embedding, bpx.Periodic.of(CODED, 4, 0.3, after=embedding)
    else:
        periodic = bpx.Periodic.of(CODED, 4, 0.3)
        below = periodic, bpx.Embedding.of(CODED, 4, after=periodic)
    net = coded(*below)
    settings = {"epochs": 60, "batch_size": 20, "optimizer": bpx.Adam(0.03), "seed": 0}
    net.fit(CUSTOMERS, **settings)
    found = net.evaluate(CUSTOMERS)
    assert found.accuracy > 0.93
    net.save(tmp_path / "net")
    again = bpx.load(tmp_path / "net")
    assert (again.schema, again.spec) == (CODED, net.spec)
    assert again.evaluate(CUSTOMERS) == found
    few = {"age": [30.0, None], "town": ["t03", None], "member": [True, False]}
    assert again.classify(few).tolist() == net.classify(few).tolist()


def test_an_unseen_category_counts_as_none_of_the_known_ones():
    net = coded(bpx.Embedding.of(CODED, 4))
    net.fit(CUSTOMERS, epochs=2, batch_size=20, optimizer=bpx.Adam(0.03), seed=0)
    table = {"age": [30.0], "town": ["elsewhere"], "member": [True]}
    with pytest.warns(
        bpx.DataWarning, match="'town' of the table has elsewhere in 1 of 1 rows"
    ):
        (answer,) = net.predict(table)
    x = CODED.x({**table, "town": ["t03"]})
    (w,), (b,) = net.weights, net.biases
    passed = np.concatenate([x[:, [0, 1, 3]], np.zeros((1, 4))], axis=1)
    z = (passed @ w.T + b).item()
    assert answer.item() == pytest.approx(1.0 / (1.0 + np.exp(-z)), rel=1e-5)


def test_codes_that_nothing_takes_are_refused():
    with pytest.raises(bpx.InputError, match=r"makes codes of 'town', but no bpx\.Embedding"):
        bpx.Network([CODED.width, 1], schema=CODED)
    with pytest.raises(bpx.InputError, match=r"makes codes of 'town', but no bpx\.Embedding"):
        coded(bpx.Periodic.of(CODED))


@pytest.mark.parametrize(
    ("columns", "levels", "said"),
    [([2], [5], r"takes 5 codes from input 2, 'town', of which the schema makes 32"),
     ([0, 2], [5, 32], r"takes 5 codes from input 0, 'age', of which the schema makes none")],
)  # fmt: skip
def test_codes_that_a_schema_does_not_make_are_refused(columns, levels, said):
    with pytest.raises(bpx.InputError, match=said):
        coded(bpx.Embedding(4, columns, levels, dim=2))


def test_a_layer_that_does_not_know_what_runs_before_it_is_refused():
    """With one number for each category the widths fit, but the columns have moved."""
    embedding = bpx.Embedding.of(CODED, 1)
    right = bpx.Periodic.of(CODED, after=embedding)
    assert coded(embedding, right).spec.layers[1] is right
    moved = bpx.Periodic(4, [3])
    with pytest.raises(bpx.InputError, match=r"layer 2, Periodic.* of\(schema, after=\.\.\.\)"):
        coded(embedding, moved)


# A scaled target, and a cost that takes only some numbers

COUNTS = {"a": np.linspace(-1.0, 1.0, 40), "n": np.arange(40) % 7}


def learner(schema, output, cost):
    return bpx.Network([1, 1], output=output, cost=cost, schema=schema, seed=0)


@pytest.mark.parametrize(
    ("output", "cost", "way"),
    [
        ("exponential", "poisson", "mean"),
        ("softplus", "poisson", "mean"),
        ("sigmoid", "cross_entropy", "none"),
    ],
)
def test_a_scaled_target_that_the_cost_does_not_accept_is_refused(output, cost, way):
    fit = partial(bpx.data.Schema.fit, COUNTS, target="n", task="numbers")
    message = rf"target 'n' to \(y - 2\.875\) / .* fit .* with target_scaling='{way}'"
    with pytest.raises(bpx.InputError, match=message):
        learner(fit(), output, cost)
    assert learner(fit(target_scaling=way), output, cost).schema.target.center == 0.0
    learner(fit(target_scaling="none"), output, cost)


def test_counts_are_predicted_in_their_units():
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    table = {"a": x, "n": rng.poisson(200.0 * np.exp(0.5 * x))}
    schema = bpx.data.Schema.fit(table, target="n", task="numbers", target_scaling="mean")
    net = learner(schema, "exponential", "poisson")
    net.fit(table, epochs=60, batch_size=20, optimizer=bpx.Adam(0.02), seed=0)
    expected = 200.0 * np.exp(0.5 * x)
    assert np.abs(net.predict(table)[:, 0] / expected - 1.0).max() < 0.1
