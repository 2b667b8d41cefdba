"""Tables and arrays of a stream become samples, with and without a schema."""

import numpy as np
import pytest

import bpx
from bpx.data.streams.encode import Encoder
from bpx.data.streams.source import Part

TABLE = {"a": [0.5, 1.5, 3.0], "b": ["u", "v", "u"], "y": [1, 0, 1], "s": [1.0, 2.0, 3.0]}
NUMBERS = {name: TABLE[name] for name in ("a", "y", "s")}


def schema(**given):
    return bpx.data.Schema.fit(TABLE, target="y", drop=["s"], **given)


def test_a_table_of_numbers_needs_no_schema():
    x, y, s = Encoder(None, "y", "s", "t")(NUMBERS)
    assert x.tolist() == [[0.5], [1.5], [3.0]]
    assert (y.tolist(), y.dtype.kind) == ([1, 0, 1], "i")
    assert s.tolist() == [1.0, 2.0, 3.0]
    assert Encoder(None, "a", None, "t")(NUMBERS).y.dtype.kind == "f"


def test_a_schema_encodes_a_table():
    own = schema()
    x, y, s = Encoder(own, None, None, "t")(TABLE)
    assert np.array_equal(x, own.x(TABLE))
    assert np.array_equal(y, own.y(TABLE))
    assert s is None


def test_a_table_of_inputs_and_arrays_in_its_terms():
    own = bpx.data.Schema.fit({"a": [0.5, 1.5], "c": [3.0, 4.0], "y": ["p", "q"]}, target="y")
    inputs = {"a": [0.5], "c": [4.0]}
    of_table = Encoder(own, None, None, "t")(Part(inputs, ["q"], [2.0]))
    of_array = Encoder(own, None, None, "t")(Part([[0.5, 4.0]], ["q"], [2.0]))
    for one, other in zip(of_table, of_array, strict=True):
        assert np.array_equal(one, other)
    assert of_table.y.tolist() == [1]


def test_arrays_without_a_schema_pass():
    x, y, s = Encoder(None, None, None, "t")(Part([[1.0]], [2], [3.0]))
    assert all(isinstance(each, np.ndarray) for each in (x, y, s))


def test_what_has_no_target_or_needs_a_schema_is_refused():
    with pytest.raises(bpx.InputError, match="t has tables, but no target; expected target="):
        Encoder(None, None, None, "t")(NUMBERS)
    with pytest.raises(bpx.InputError, match="'b' of t, the target, holds texts"):
        Encoder(None, "b", None, "t")(TABLE)
    with pytest.raises(bpx.InputError, match="holds texts, but the network has no schema"):
        Encoder(None, "y", "s", "t")(TABLE)


def test_only_the_inputs():
    own = schema()
    (x, y, s) = Encoder(own, None, None, "t", only_x=True)({"a": [0.5], "b": ["u"]})
    assert np.array_equal(x, own.x({"a": [0.5], "b": ["u"]}))
    assert y is s is None
    numbers = Encoder(None, "y", "s", "t", only_x=True)
    for given in (
        NUMBERS,
        {"a": NUMBERS["a"]},
        Part({"a": NUMBERS["a"]}),
        Part([[0.5], [1.5], [3.0]]),
    ):
        x, y, s = numbers(given)
        assert x.tolist() == [[0.5], [1.5], [3.0]]
        assert y is s is None
    with pytest.raises(bpx.InputError, match="y is missing for t; expected one target"):
        Encoder(None, None, None, "t")(Part([[1.0]]))


@pytest.mark.parametrize("cells", [[1, None, 0], [True, None, False], [0.5, None, 1.5]])
def test_a_missing_target_is_refused_and_never_a_number(cells):
    with pytest.raises(
        bpx.InputError, match=r"'y' of t, the target, is missing in row 2 .*\(1 of 3 are\)"
    ):
        Encoder(None, "y", None, "t")({"a": [1.0, 2.0, 3.0], "y": cells})


def test_the_column_of_the_weights_holds_numbers_and_is_not_the_target():
    with pytest.raises(bpx.InputError, match="'b' of t, sample_weight, holds texts"):
        Encoder(None, "y", "b", "t")(TABLE)
    for own, target in ((None, "y"), (None, 1), (schema(), None)):
        weight = "y" if target != 1 else "b"
        with pytest.raises(bpx.InputError, match=f"sample_weight='{weight}' .* is the target"):
            Encoder(own, target, weight, "t")(TABLE)


@pytest.mark.parametrize(("target", "weight"), [("y", None), (None, "s")])
def test_pairs_have_no_columns(target, weight):
    name = "target='y'" if target else "sample_weight='s'"
    for x in ([[1.0]], {"a": [1.0]}):
        with pytest.raises(bpx.InputError, match=f"{name} was given, but t has samples"):
            Encoder(None, target, weight, "t")(Part(x, [0]))


def test_a_target_is_that_of_the_schema():
    expected = schema().y(TABLE).tolist()
    for target in ("y", 2):
        assert Encoder(schema(), target, None, "t")(TABLE).y.tolist() == expected
    with pytest.raises(bpx.InputError, match=r"target='a' was given .* target is 'y'"):
        Encoder(schema(), "a", None, "t")(TABLE)
