"""The layout of a table in text is found."""

import pytest

import bpx
from bpx.data.tables.layout import find
from tests.data.written import table


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a,b\n1,2\n", (",", ".", ("a", "b"))),
        ("1,5;2\n2,5;3\n", (";", ",", None)),
        ("a\tb\n1\t2\n", ("\t", ".", ("a", "b"))),
        ("a,a\n1,2\n", (",", ".", ("a", "a (2)"))),
    ],
)
def test_what_is_between_the_cells(tmp_path, text, found):
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    layout = find(path)
    assert (layout.delimiter, layout.decimal, layout.names) == found


def test_a_line_that_counts_is_asked_about(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("0,1,2\n4,7,5\n", encoding="utf-8")
    with pytest.raises(bpx.InputError, match=r"header=True .* header=False"):
        find(path)


def laid(tmp_path, text, **options):
    return find(table(tmp_path, text), **options)


@pytest.mark.parametrize(
    ("text", "delimiter", "decimal", "width"),
    [
        ("1,5;2,5\n2,5;3,5\n", ";", ",", 2),
        ("1,5;2,5;3,5\n", ";", ",", 3),  # one line alone
        ("a;b\n1,5e-3;2\n2,5E+05;3\n", ";", ",", 2),
        ("a;b\n1,5;NA\n,5;3\n", ";", ",", 2),
        ("a;b\n1;2\n3;4;5\n" + "6;7\n" * 9, ";", ".", 2),  # one line is wrong, not all
        ("a|b\n1|x, y\n2|z\n", "|", ".", 2),
        ('a,b\n"1;2",3\n"4;5",6\n', ",", ".", 2),
        ("a\n1\n2\n", ",", ".", 1),
        ("text\nhello, world\nfoo\nbar\n", ",", ".", 1),
    ],
)
def test_delimiters_and_decimals(tmp_path, text, delimiter, decimal, width):
    found = laid(tmp_path, text)
    assert (found.delimiter, found.decimal, found.width) == (delimiter, decimal, width)


def test_points_and_commas_in_one_table_leave_the_point(tmp_path):
    assert laid(tmp_path, "a;b\n1,5;2.5\n2,5;3.5\n").decimal == "."


def test_a_header_of_several_lines_is_skipped_whole(tmp_path):
    found = laid(tmp_path, '\n"a\nb",c\n1,2\n')
    assert (found.names, found.skip) == (("a\nb", "c"), 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"delimiter": ""}, "one character"),
        ({"delimiter": '"'}, "one character"),
        ({"decimal": "x"}, "decimal='.'"),
        ({"decimal": ",", "delimiter": ","}, "another delimiter"),
    ],
)
def test_options_that_cannot_be_used(tmp_path, options, message):
    with pytest.raises(bpx.InputError, match=message):
        laid(tmp_path, "a,b\n1,2\n", **options)


@pytest.mark.parametrize("text", ["", "\n \n", "\ufeff"])
def test_an_empty_file(tmp_path, text):
    with pytest.raises(bpx.FileFormatError, match="is empty"):
        laid(tmp_path, text)


def test_equal_names_are_numbered(tmp_path):
    found = laid(tmp_path, ",".join(["a"] * 3) + ",b\n1,2,3,4\n")
    assert found.names == ("a", "a (2)", "a (3)", "b")
