"""What Arrow makes of text becomes columns."""

import pytest

import bpx

pytest.importorskip("pyarrow", reason="tables with texts are read by pyarrow")


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
