"""The columns of a table, encoded inside the graph as the schema encodes them."""

import numpy as np
import pytest

import bpx
from tests.export.onnx.runtime import agree, answers, cells
from tests.export.onnx.tables import made


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


def test_an_output_with_the_name_of_a_column_gets_a_number():
    rng = np.random.default_rng(0)
    columns = {name: rng.normal(size=20) for name in ("label", "probabilities")}
    found = bpx.data.as_table({**columns, "x": np.array(["a", "b"] * 10)})
    schema = bpx.data.Schema.fit(found, target="x")
    net = bpx.Network([2, 1], cost="cross_entropy", seed=0, schema=schema)
    model = net.to_onnx()
    assert {each.name for each in model.graph.input} == set(columns)
    assert {each.name for each in model.graph.output} == {"label_2", "probabilities_2"}
    got = answers(model, cells(schema, found))
    agree(got["probabilities_2"][:, 1:], net.predict(found))


def test_a_table_of_numbers_alone():
    rng = np.random.default_rng(0)
    found = bpx.data.as_table({"a": rng.normal(size=9), "b": rng.normal(size=9)})
    schema = bpx.data.Schema.of_numbers(found)
    net = bpx.Network([2, 3, 2], output="softmax", seed=0, schema=schema)
    got = answers(net.to_onnx(), cells(schema, found))
    agree(got["y"], net.predict(found))
    assert (got["label"] == net.classify(found)).all()
