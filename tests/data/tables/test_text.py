"""The text of a table: whole first lines, rows, and what a cell can be."""

import pytest

import bpx
from bpx.data.tables.text import are_dates, are_numbers, head, is_number, rows
from tests.data.written import table


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_last_of_the_first_lines_is_whole(tmp_path, end):
    line = "1.5,é"
    path = table(tmp_path, end.join([line] * 30_000))
    text, _ = head(path)
    assert set(text.splitlines()) == {line}


def test_the_first_lines_of_a_wide_table_are_read_however_long(tmp_path):
    wide = ",".join(f"column{i}" for i in range(20_000))
    path = table(tmp_path, f"{wide}\n" * 40)
    text, _ = head(path)
    assert text.splitlines()[0] == wide
    assert len(text.splitlines()) > 1


@pytest.mark.parametrize(("encoding", "named"), [("utf-16", "utf-16"), ("latin-1", "latin1")])
def test_the_advice_names_the_encoding_of_a_table_that_is_not_utf_8(tmp_path, encoding, named):
    path = tmp_path / "table.csv"
    path.write_bytes("größe,y\n1,2\n".encode(encoding))
    with pytest.raises(bpx.FileFormatError, match=f"iconv -f {named} -t utf-8"):
        bpx.data.read_table(path)


def test_a_cell_of_several_lines_is_not_cut(tmp_path):
    path = table(tmp_path, '1,2\n"' + "x\n" * 60_000 + '",4\n')
    assert head(path)[0] == "1,2\n"


def test_empty_lines_are_passed_over_and_counted():
    found = list(rows(["\n", "  \n", "a,b\n", "\n", "1,2\n"], ",", "t"))
    assert found == [(3, ["a", "b"]), (5, ["1", "2"])]


def test_in_one_column_a_line_of_spaces_is_a_missing_cell():
    assert [row for _, row in rows(["a\n", "  \n", "2\n"], ",", "t")] == [["a"], ["  "], ["2"]]


def test_a_quote_that_is_never_closed_is_named_with_its_line():
    with pytest.raises(bpx.FileFormatError, match=r"line 2: .*every quote to be closed"):
        list(rows(["a,b\n", '"' + "x" * 200_000 + "\n"], ",", "t"))


@pytest.mark.parametrize("cell", ["1", " -1.5", "+.5", "2.", "1e-5", "3E+05 "])
def test_numbers(cell):
    assert is_number(cell)
    assert is_number(cell.replace(".", ","), ",")


@pytest.mark.parametrize("cell", ["", "1_0", "0x1", "inf", "nan", "1,5", "٣", "--1", "1e"])
def test_what_no_number_is(cell):
    assert not is_number(cell)


def test_a_point_is_no_decimal_comma():
    assert not is_number("1.5", ",")


def test_missing_cells_do_not_count():
    assert are_numbers(["1", "NA", " ? "], ".")
    assert not are_numbers(["NA"], ".")
    assert are_dates(["2026-01-31", ""])
