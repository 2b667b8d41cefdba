"""Numbers are read without pyarrow, to the same values."""

import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import bpx
from bpx.data.tables import arrow, plain
from bpx.data.tables.layout import find
from tests.data.written import table


def test_the_same_values(tmp_path, monkeypatch):
    pytest.importorskip("pyarrow", reason="it is what is compared with")
    path = tmp_path / "t.csv"
    path.write_text("a;b\n1,5;-2\n+3e-3;4\n", encoding="utf-8")
    with_arrow = bpx.data.read_table(path)
    monkeypatch.setattr(arrow, "is_there", lambda: False)
    without = bpx.data.read_table(path)
    for one, other in zip(with_arrow.columns, without.columns, strict=True):
        np.testing.assert_array_equal(one.values, other.values)
        assert (one.name, one.whole) == (other.name, other.whole)


def test_texts_name_the_command_that_installs_what_reads_them(tmp_path, monkeypatch):
    monkeypatch.setattr(arrow, "is_there", lambda: False)
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,x\n", encoding="utf-8")
    with pytest.raises(bpx.InputError, match="pip install pyarrow narwhals"):
        bpx.data.read_table(path)


NUMBERS = st.one_of(
    st.integers(-(10**20), 10**20).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["+1", "-0", "-0.0", "1.", ".5", "1E5", "2e-400", "007", " 3 ", "1e+05"]),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(
    cells=st.integers(2, 4).flatmap(
        lambda width: st.lists(
            st.lists(NUMBERS, min_size=width, max_size=width), min_size=1, max_size=6
        )
    ),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    comma=st.booleans(),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    quoted=st.booleans(),
    marked=st.booleans(),
    blank=st.sampled_from(["", "  "]),
)
def test_every_table_of_numbers_is_read_alike(
    tmp_path, cells, delimiter, comma, ending, quoted, marked, blank
):
    pytest.importorskip("pyarrow", reason="it is what is compared with")
    decimal = "," if comma and delimiter != "," else "."
    quote = '"' if quoted else ""
    rows = [[f"{quote}{c.replace('.', decimal)}{quote}" for c in row] for row in cells]
    names = [f"c{i}" for i in range(len(rows[0]))]
    lines = [delimiter.join(names), *map(delimiter.join, rows[:1]), blank]
    lines += map(delimiter.join, rows[1:])
    path = tmp_path / "t.csv"
    path.write_bytes((("\ufeff" if marked else "") + ending.join(lines) + ending).encode())
    layout = find(path, delimiter=delimiter, decimal=decimal)
    for one, other in zip(arrow.read(path, layout), plain.read(path, layout), strict=True):
        assert (one.name, one.kind, one.whole) == (other.name, other.kind, other.whole)
        assert one.values.tobytes() == other.values.tobytes()


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("a,b\n1,2\n3\n", bpx.FileFormatError, "line 3: the line has 1 cells"),
        ("a,b\n1,2\n3,\n", bpx.InputError, "line 3: column 'b' has a missing cell"),
        ("a,b\n1,2\n1e999,4\n", bpx.InputError, "'a' is infinite in row 2"),
        ("a;b\n1,5;2\n2.5;3\n", bpx.InputError, "'1,5', which is not a number"),
        (b"a,b\n" + b"1,2\n" * 30_000 + b"1,\xff\n", bpx.FileFormatError, "iconv"),
    ],
)
def test_what_cannot_be_read(tmp_path, monkeypatch, text, error, message):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.csv", None)
    with pytest.raises(error, match=message):
        bpx.data.read_table(table(tmp_path, text))
