"""A table from a file, by its suffix."""

import pytest

import bpx
from bpx.data.tables.reading import is_table


def test_tables_are_known_by_their_suffix():
    assert is_table("a.CSV.gz")
    assert is_table("a.parquet")
    assert not is_table("a.npz")


def test_a_header_alone_has_no_samples(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n", encoding="utf-8")
    with pytest.raises(bpx.FileFormatError, match="no samples"):
        bpx.data.read_table(path)
