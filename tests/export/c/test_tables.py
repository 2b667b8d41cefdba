"""A row of a table: its inputs have the same bits as those that the schema makes."""

import numpy as np
import pytest

import bpx
from bpx.data.tables.values import of_array
from bpx.export.c.tables import Row, texts
from bpx.program.operation import dtype_of
from tests.export.c.rows import answered, cells

N = 200


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    city = rng.choice(["Paris", "Bônn", 'New "York"?'], N).astype(object)
    city[5:30] = None
    age = rng.normal(40.0, 10.0, N)
    age[3:20] = np.nan
    return {
        "age (years)": age,
        "city": city,
        "int": rng.integers(0, 2, N).astype(bool),
        "when": np.datetime64("2024-01-01", "us") + rng.integers(0, 900, N).astype("m8[D]"),
        "code": np.array([f"c{i}" for i in rng.integers(0, 60, N)], object),
        "y": rng.choice(["yes", "no", "maybe"], N).astype(object),
    }


def network(table, **how):
    schema = bpx.data.Schema.fit(table, target="y", **how)
    layers = [bpx.Embedding.of(schema, dim=3)] if schema.codes else []
    width = layers[-1].n_out if layers else schema.width
    layers += [bpx.Dense(width, 6, "tanh"), bpx.Dense(6, 3, "softmax")]
    return bpx.Network(layers, cost="cross_entropy", schema=schema, seed=0)


@pytest.mark.usefixtures("gcc")
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"categories": "codes"},
        {"scaling": "robust"},
        {"scaling": "none", "unseen": "refuse"},
    ],
    ids=str,
)
def test_rows(table, how):
    net = network(table, **how)
    some = {name: column[:40] for name, column in table.items()}
    x, y, labels, unseen = answered(net, some)
    np.testing.assert_array_equal(x, net.schema.x(some))
    np.testing.assert_allclose(y, net.predict(some), rtol=1e-5, atol=1e-6)
    assert labels == net.classify(some).tolist()
    assert unseen == [0] * 40


@pytest.mark.usefixtures("gcc")
@pytest.mark.parametrize("how", [{}, {"categories": "codes"}], ids=str)
def test_unseen_texts_and_spaces(table, how):
    net = network(table, **how)
    some = {name: column[40:44].copy() for name, column in table.items()}
    some["city"][:] = ["elsewhere", "  Paris ", " \t\n\v\f\r\x1c\x1d\x1e\x1f", "\tBônn\r\n"]
    some["code"][:2] = ["c0", "none of them"]
    x, _, _, unseen = answered(net, some)
    with pytest.warns(bpx.DataWarning):
        expected = net.schema.x(some)
    np.testing.assert_array_equal(x, expected)
    assert unseen == [1, 1, 0, 0]


@pytest.mark.usefixtures("gcc")
def test_a_float64_network_has_the_same_inputs(table):
    net = network(table).to(dtype="float64")
    some = {name: column[:10] for name, column in table.items()}
    x, y, _, _ = answered(net, some)
    np.testing.assert_array_equal(x, net.schema.x(some).astype(np.float64))
    np.testing.assert_allclose(y, net.predict(some), rtol=1e-12)


@pytest.mark.usefixtures("gcc")
def test_numbers_in_their_own_units():
    rng = np.random.default_rng(0)
    table = {"a": rng.normal(size=50), "b": rng.normal(size=50), "y": rng.normal(9.0, 3.0, 50)}
    schema = bpx.data.Schema.fit(table, target="y")
    net = bpx.Network([2, 4, 1], output="identity", schema=schema, seed=0)
    _, y, _, _ = answered(net, {name: column[:6] for name, column in table.items()})
    np.testing.assert_allclose(y, net.predict({n: c[:6] for n, c in table.items()}), rtol=1e-5)


def test_spaces_do_not_depend_on_the_locale(table):
    text = network(table).to_c()
    assert "isspace(" not in text
    assert "ctype.h" not in text


def test_names_and_kinds(table):
    row = Row(network(table).schema, "m", dtype_of("float32"))
    assert row.names == ("age_years", "city", "int_2", "when", "code")
    declared = "\n".join(row.declared())
    assert "const char *city; /* city: category */" in declared
    assert "double when; /* when: days since 1970-01-01 */" in declared
    assert "count as none of the known ones" in declared
    assert row.has_texts


def test_cells_of_a_test():
    assert cells(of_array("a", np.array([1.5, np.nan]))) == ["1.5", "(double)NAN"]
    assert list(texts("x", ["a"])) == ["x[1] = {", '    "a",', "};"]
