"""Text, objects, missing values: where they are, and an advice that works."""

import numpy as np
import pytest

import bpx
from bpx.arrays.host import as_host

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of pandas, on import


def x(dtype="float64"):
    return np.random.default_rng(0).random((6, 3)).astype(dtype)


def message(given, name="x"):
    with pytest.raises(bpx.InputError) as refused:
        as_host(given, name)
    return str(refused.value)


def spoiled(value):
    objects = x(object)
    objects[2, 1] = value
    return objects


@pytest.mark.parametrize("as_type", [list, np.asarray, lambda y: np.asarray(y, dtype=object)])
def test_classes_of_text_are_numbered(as_type):
    y = as_type(["cat", "dog"] * 3)
    said = message(y, "y")
    assert said.startswith("y holds 'cat' in row 0; expected numbers: number the classes, ")
    assert "bpx.data.Table" in said
    code = said.partition("the classes, ")[2].partition(", or")[0]
    numbered = eval(code, {"np": np, "y": y})
    bpx.Network([3, 2], seed=0).evaluate(x(), numbered)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (spoiled("red"), "x holds 'red' in column 1, row 2; .*bpx.data.Table"),
        ([["a", 1], ["b", 2]], "x holds 'a' in column 0, row 0; .*bpx.data.Table"),
        (spoiled(None), "x holds None in column 1, row 2; .*fill in the missing values"),
        (spoiled(3 + 1j), r"x holds \(3\+1j\) in column 1, row 2; .*convert"),
        ([None, 1], "x holds None in row 0; .*fill in"),
        (None, "x is a NoneType"),
        ("text", "x is a str of dtype"),
        (
            x().astype("M8[s]"),
            r"x is a ndarray of dtype datetime64\[s\]; expected real numbers",
        ),
        (x() + 1j, "complex128; expected real numbers: take its real part"),
    ],
)
def test_what_is_no_number_is_named_with_its_place(given, said):
    with pytest.raises(bpx.InputError, match=said):
        as_host(given, "x")


@pytest.mark.parametrize("given", [x(object), x(str), x(str).tolist()])
def test_objects_and_text_that_are_numbers_are_cast(given):
    code = message(given).rpartition(": ")[2]
    cast = eval(code, {"np": np, "x": given})
    np.testing.assert_allclose(as_host(cast, "x"), x())


@pytest.mark.parametrize("kind", [object, "string"])
def test_columns_of_a_table_are_named(kind):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    table = pandas.DataFrame(x(), columns=["a", "b", "c"])
    np.testing.assert_array_equal(as_host(table, "x"), x())
    table["b"] = ["red", "green"] * 3
    assert "'red' in column 'b', row 0; " in message(table)
    assert "bpx.data.Table" in message(table)
    table["b"] = (
        pandas.Series(x()[:, 1]).astype(str if kind == "string" else object).astype(kind)
    )
    said = message(table)
    assert "'b'" in said
    cast = eval(said.rpartition("numbers: ")[2], {"x": table})
    np.testing.assert_allclose(as_host(cast, "x"), x())
    table["b"] = pandas.array([1, 2, None, 4, 5, 6], dtype="Int64")
    assert "x holds <NA> in column 'b', row 2; " in message(table)


def test_at_the_prompt_no_expression_is_advised():
    with bpx.errors.at_the_prompt({}):
        for given, name in ((["cat", "dog"], "y"), (spoiled("red"), "x")):
            assert "np." not in message(given, name)
            assert "bpx." not in message(given, name)
