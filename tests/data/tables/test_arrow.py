"""What Arrow makes of text becomes columns."""

import numpy as np
import pytest

import bpx
from tests.data.written import table

pa = pytest.importorskip("pyarrow", reason="tables with texts are read by pyarrow")
pytest.importorskip("narwhals", reason="DataFrames become tables through narwhals")


def test_columns_are_of_the_kind_of_their_cells(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("n,b,d,t\n1,True,2026-01-02,x\n,False,2026-01-03,\n", encoding="utf-8")
    table = bpx.data.read_table(path)
    assert [c.kind for c in table.columns] == ["number", "boolean", "date", "category"]
    assert table["n"].missing.tolist() == [False, True]
    assert table["t"].missing.tolist() == [False, True]


def test_a_ragged_line_is_named(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n3\n", encoding="utf-8")
    with pytest.raises(bpx.FileFormatError, match="line 3: the line has 1 cells"):
        bpx.data.read_table(path)


def read(tmp_path, text):
    return bpx.data.read_table(table(tmp_path, text))


def test_missing_cells_may_have_a_space_beside_them(tmp_path):
    found = read(tmp_path, "a, b, c\n1, 2, x\n3, NA, ?\n")
    assert found["b"].kind == "number"
    assert found["b"].missing.tolist() == found["c"].missing.tolist() == [False, True]


def test_lines_of_spaces_are_passed_over(tmp_path):
    found = read(tmp_path, "  \na,b\n1,2\n   \n3,4\n")
    assert found["a"].values.tolist() == [1, 3]


def test_dates_are_days_whatever_their_digits_and_zone(tmp_path):
    found = read(tmp_path, "a,b\n1970-01-02 00:00:00.123456789,1\n1970-01-03 00:00:00,2\n")
    np.testing.assert_allclose(found["a"].values, [1 + 0.123456 / 86400, 2], rtol=1e-15)
    found = read(tmp_path, "a,b\n1970-01-02T00:00:00Z,1\n1970-01-02T00:00:00+12:00,2\n")
    assert found["a"].values.tolist() == [1, 0.5]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_the_unit_of_a_duration_and_a_moment_does_not_matter(unit):
    two_days = 172_800 * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    found = bpx.data.as_table(
        pa.table(
            {
                "d": pa.array([two_days, None], pa.duration(unit)),
                "m": pa.array([two_days, None], pa.timestamp(unit)),
            }
        )
    )
    assert found["d"].values[0] == 172_800
    assert found["m"].values[0] == 2
    assert found["d"].missing.tolist() == found["m"].missing.tolist() == [False, True]


@pytest.mark.parametrize("index", [pa.int8(), pa.uint8(), pa.int32(), pa.uint32()])
@pytest.mark.parametrize("text", [pa.string(), pa.large_string(), pa.string_view()])
def test_categories_of_every_make(index, text):
    if text == pa.string_view():
        column = pa.array(["x", None, "y"], text)
    else:
        column = pa.DictionaryArray.from_arrays(
            pa.array([1, None, 0], index), pa.array(["y", "x"], text)
        )
    assert bpx.data.as_table(pa.table({"t": column}))["t"].texts() == ["x", "", "y"]


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary(1)])
def test_bytes_are_no_column(kind):
    with pytest.raises(bpx.InputError, match=r"'b' holds .*remove it from the table"):
        bpx.data.as_table(pa.table({"b": pa.array([b"x"], kind)}))


def test_text_that_is_not_utf8_far_down_is_refused(tmp_path):
    text = b"a,b\n" + b"1,plain\n" * 20_000 + b"1,caf\xe9\n"
    with pytest.raises(bpx.FileFormatError, match="iconv"):
        read(tmp_path, text)


def test_wide_tables_are_read(tmp_path):
    width = 2_000
    names = [f"c{i:0600}" for i in range(width)]  # longer than what is read at a time
    found = read(tmp_path, ",".join(names) + "\n" + ",".join(["1.25"] * width) + "\n")
    assert found.names == tuple(names)


def test_an_index_that_pandas_put_into_parquet_is_no_column(tmp_path):
    pd = pytest.importorskip("pandas", reason="it is no dependency of bpx")
    pd.DataFrame({"a": [1, 2]}, index=[7, 3]).to_parquet(tmp_path / "t.parquet")
    assert bpx.data.read_table(tmp_path / "t.parquet").names == ("a",)


def test_a_parquet_file_that_is_not_there_or_none(tmp_path):
    with pytest.raises(bpx.InputError, match="does not exist"):
        bpx.data.read_table(tmp_path / "t.parquet")
    with pytest.raises(bpx.FileFormatError, match="cannot be read as Parquet"):
        bpx.data.read_table(table(tmp_path, "a,b\n", "t.parquet"))


def test_values_are_those_of_pandas(tmp_path):
    pd = pytest.importorskip("pandas", reason="it is no dependency of bpx")
    rng = np.random.default_rng(0)
    lines = [
        f"{v!r},{w:.3e},{n}"
        for v, w, n in zip(*rng.normal(size=(2, 99)).tolist(), range(99), strict=True)
    ]
    path = table(tmp_path, "a,b,c\n" + "\n".join(lines) + "\n,,\n")
    reference = pd.read_csv(path)
    for name in ("a", "b", "c"):
        np.testing.assert_allclose(
            bpx.data.read_table(path)[name].values, reference[name], rtol=1e-15
        )


def test_a_cell_may_be_longer_than_what_is_read_at_a_time(tmp_path):
    long = "q" * (1 << 21)
    found = read(tmp_path, "a,b\n" + "x,1\n" * 300_000 + f"{long},2\ny,3\n")
    assert len(found) == 300_002
    assert found["b"].values.tolist()[-3:] == [1, 2, 3]
