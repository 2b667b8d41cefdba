"""The layout of a table in text is found."""

import pytest

import bpx
from bpx.data.tables.layout import find


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
