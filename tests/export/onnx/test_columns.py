"""The columns of a table, encoded inside the graph as the schema encodes them."""

import numpy as np
import pytest

import bpx
from tests.export.onnx.runtime import agree, answers, cells


def table(n=120, seed=0):
    """A table of every kind of column, with missing cells, from text."""
    rng = np.random.default_rng(seed)
    holes = rng.random((n, 3)) < 0.1
    colours = np.array(["red", "green", "naïve blue", "0"], object)[rng.integers(0, 4, n)]
    towns = np.array([f"town {i}" for i in range(45)], object)[np.arange(n) % 45]
    when = np.datetime64("2024-02-28T06:00") + rng.integers(0, 900, n) * np.timedelta64(1, "h")
    size = rng.normal(50_000.0, 3.0, n)
    return bpx.data.as_table(
        {
            "size": np.where(holes[:, 0], np.nan, size),
            "colour": np.where(holes[:, 1], "", colours),
            "town": towns,
            "when": np.where(holes[:, 2], np.datetime64("NaT"), when),
            "odd": rng.integers(0, 2, n).astype(bool),
            "price": size - 50_000.0 + (colours == "red"),
            "kind": np.where(size > 50_000.0, "big", "small"),
        }
    )


def made(target, *drop, seed=0, dtype="float32", **options):
    found = table()
    schema = bpx.data.Schema.fit(found, target=target, drop=drop, **options)
    first = [bpx.Embedding.of(schema, 3)] if schema.codes else []
    width, last = first[-1].n_out if first else schema.width, schema.target.outputs
    layers = [*first, bpx.Dense(width, 5, "tanh")]
    layers += [bpx.Dense(5, last, "sigmoid" if schema.target.classes else "identity")]
    return bpx.Network(layers, seed=seed, schema=schema, dtype=dtype), found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("categories", ["one-hot", "codes"])
@pytest.mark.parametrize("scaling", ["standard", "robust", "none"])
def test_numbers_texts_dates_and_missing_cells(dtype, categories, scaling):
    net, found = made("price", "kind", dtype=dtype, categories=categories, scaling=scaling)
    encodings = {each.encoding for each in net.schema.features}
    assert encodings == {
        "scaled",
        *({"codes"} if net.schema.codes else {"one-hot", "frequency"}),
    }
    got = answers(net.to_onnx(), cells(net.schema, found))
    agree(got["prediction"], net.predict(found), 1e-5 if dtype == "float32" else 1e-12)


@pytest.mark.parametrize("categories", ["one-hot", "codes"])
def test_unseen_categories_are_none_of_the_known_ones(categories):
    net, found = made("kind", "price", "when", categories=categories)
    fed = cells(net.schema, found)
    fed["colour"][0], fed["town"][1] = "purple", "elsewhere"
    with pytest.warns(bpx.DataWarning, match="purple|elsewhere"):
        expected = net.predict({name: values[:, 0] for name, values in fed.items()})
    got = answers(net.to_onnx(), fed)
    agree(got["probabilities"][:, 1:], expected)
    assert got["label"].tolist() == np.where(expected[:, 0] > 0.5, "small", "big").tolist()


def test_each_column_is_an_input_with_its_name():
    net, _ = made("kind", "price")
    model = net.to_onnx()
    found = {each.name: each.type.tensor_type.elem_type == 8 for each in model.graph.input}
    assert found == {"size": False, "colour": True, "town": True, "when": False, "odd": False}


def test_columns_may_have_the_names_of_outputs_and_of_nodes():
    rng = np.random.default_rng(0)
    names = ("y", "label", "gemm", "0.weight", "prediction")
    found = bpx.data.as_table({name: rng.normal(size=20) for name in (*names, "x")})
    schema = bpx.data.Schema.fit(found, target="x")
    net = bpx.Network([5, 3, 1], output="identity", seed=0, schema=schema)
    (got,) = answers(net.to_onnx(), cells(schema, found)).values()
    agree(got, net.predict(found))


def test_a_table_of_numbers_alone():
    rng = np.random.default_rng(0)
    found = bpx.data.as_table({"a": rng.normal(size=9), "b": rng.normal(size=9)})
    schema = bpx.data.Schema.of_numbers(found)
    net = bpx.Network([2, 3, 2], output="softmax", seed=0, schema=schema)
    got = answers(net.to_onnx(), cells(schema, found))
    agree(got["y"], net.predict(found))
    assert (got["label"] == net.classify(found)).all()
