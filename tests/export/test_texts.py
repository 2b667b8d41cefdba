"""Texts that no file can hold are refused, and the column is named."""

import pytest

import bpx
from bpx.errors import InputError
from bpx.export.texts import check_texts

HALF = "a\ud800"


def network(table):
    schema = bpx.data.Schema.fit(table, target="y")
    return bpx.Network([schema.width, 1], output="identity", schema=schema, seed=0)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ({"city": [HALF, "b"] * 5, "y": [0.5, 1.5] * 5}, "city"),
        ({HALF: [1.0, 2.0] * 5, "y": [0.5, 1.5] * 5}, r"a\\ud800"),
        ({"x": [1.0, 2.0] * 5, "y": [HALF, "b"] * 5}, "y"),
    ],
    ids=["a text", "a name", "a class"],
)
def test_half_a_surrogate_pair(table, column):
    net = network(table)
    message = rf"column '{column}' has the text 'a\\ud800', which UTF-8 cannot hold"
    with pytest.raises(InputError, match=message):
        check_texts(net.schema)
    with pytest.raises(InputError, match=message):
        net.to_c()


def test_a_column_of_an_onnx_model():
    pytest.importorskip("onnx", reason="onnx is not installed")
    with pytest.raises(InputError, match="which UTF-8 cannot hold"):
        network({HALF: [1.0, 2.0] * 5, "y": [0.5, 1.5] * 5}).to_onnx()


def test_other_texts_are_taken():
    check_texts(network({"é🙂": ["ß", ""] * 5, "y": ["日", "本"] * 5}).schema)
