"""Columns of arrays and lists, whoever made them."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pytest

import bpx
from bpx.data.tables.values import of_array

NAN = float("nan")


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([1, None, 2], "number", [1, NAN, 2]),
        ([True, None], "boolean", [1, NAN]),
        ([Decimal("1.5"), None], "number", [1.5, NAN]),
        ([date(1970, 1, 3), None], "date", [2, NAN]),
        ([datetime(1970, 1, 2, 12)], "date", [1.5]),
        ([datetime(1970, 1, 2, tzinfo=UTC)], "date", [1]),
        ([datetime(1970, 1, 2, tzinfo=timezone(timedelta(hours=12)))], "date", [0.5]),
        ([timedelta(minutes=1), None], "number", [60, NAN]),
        (np.array([60, "NaT"], "m8[s]"), "number", [60, NAN]),
        (np.array(["1970-01-02", "NaT"], "M8[ns]"), "date", [1, NAN]),
        (np.ma.masked_array([1.0, 2.0], [False, True]), "number", [1, NAN]),
        (np.array([1, 2], np.uint8), "number", [1, 2]),
        ([None, None], "number", [NAN, NAN]),
        ([], "number", []),
    ],
)
def test_kinds_and_values(values, kind, expected):
    column = of_array("c", values)
    assert column.kind == kind
    np.testing.assert_array_equal(column.values, expected)


@pytest.mark.parametrize(
    "values",
    [["x", None, "y"], ["x", NAN, "y"], np.array(["x", "", "y"])],
)
def test_texts_and_what_is_missing_among_them(values):
    assert of_array("c", values).texts() == ["x", "", "y"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([b"a", b"b"], "holds bytes"),
        (np.array([b"a"]), r"dtype \|S1"),
        (["a", 1], "holds int and str"),
        ([date(2020, 1, 1), 1.0], "holds date and float"),
        ([[1], [2]], "shape"),
        ([[1], [2, 3]], "cannot be converted to an array|holds list"),
        (3, "shape"),
        ([1j], "holds complex"),
        ([1.0, float("inf")], "infinite in row 2"),
        ([10**400], "infinite in row 1"),
    ],
)
def test_what_no_column_holds(values, message):
    with pytest.raises(bpx.InputError, match=message):
        of_array("c", values)


def test_series_of_pandas():
    pd = pytest.importorskip("pandas", reason="it is no dependency of bpx")
    for dtype, values in {
        "Int64": [1, None],
        "boolean": [True, None],
        "string": ["x", None],
    }.items():
        column = of_array("c", pd.Series(values, dtype=dtype))
        assert column.missing.tolist() == [False, True], dtype
    zoned = pd.Series(pd.to_datetime(["1970-01-02"]).tz_localize("UTC"))
    assert of_array("c", zoned).values.tolist() == [1.0]
