"""What a schema says of its inputs, and what layers are made of that."""

import numpy as np
import pytest

import bpx
from bpx.data import Schema

TABLE = {
    "age": [1.0, 2.0, None, 5.0],
    "town": ["x", "y", None, "y"],
    "day": np.array(["2020-01-01", "2020-01-02", "2020-01-05", "2020-01-09"], "M8[D]"),
    "flag": [True, False, True, True],
    "kind": ["c", "a", "b", "a"],
}
CODED, PLAIN = (Schema.fit(TABLE, categories=how) for how in ("codes", "one-hot"))


def test_each_input_has_a_name_and_its_place():
    assert CODED.inputs == ("age", "age is missing", "town", "day", "flag", "kind")
    assert (CODED.width, CODED.codes, CODED.numbers) == (6, {2: 4, 5: 4}, (0, 3))
    assert (PLAIN.width, PLAIN.codes, PLAIN.numbers) == (10, {}, (0, 5))
    x = CODED.x(TABLE)
    assert x.dtype == "float32"
    assert x[:, [2, 5]].tolist() == [[0, 2], [1, 0], [2, 1], [1, 0]]
    np.testing.assert_array_equal(x[:, 3], PLAIN.x(TABLE)[:, 5])


def test_a_text_that_becomes_a_frequency_is_no_number():
    texts = [f"t{i:02d}" for i in range(45)] * 2
    schema = Schema.fit({"t": texts, "n": np.linspace(0, 1, 90)})
    assert (schema.width, schema.codes, schema.numbers) == (2, {}, (1,))


def test_its_repr_tells_of_codes():
    assert repr(CODED) == "<bpx.data.Schema of 5 columns, 6 inputs, 2 of them codes>"
    assert "codes" not in repr(PLAIN)


def test_layers_are_made_of_it():
    embedding = bpx.Embedding.of(CODED, 3)
    assert embedding == bpx.Embedding(6, [2, 5], levels=[4, 4], dim=3, unseen=True)
    periodic = bpx.Periodic.of(CODED, 4, 0.2, after=embedding)
    assert periodic == bpx.Periodic(10, [0, 2], frequencies=4, sigma=0.2)
    with pytest.raises(bpx.InputError, match=r"10 inputs> makes no codes"):
        bpx.Embedding.of(PLAIN, 3)
