"""Parquet and Arrow files: row groups are blocks, and nothing is read before it is due."""

import numpy as np
import pytest

import bpx
from bpx.data.streams.arrow import Files, open_files

pyarrow = pytest.importorskip("pyarrow", reason="needs pyarrow")


def table(n=10, start=0):
    rows = np.arange(start, start + n)
    return pyarrow.table({"a": rows + 0.5, "b": [f"t{i % 3}" for i in rows], "y": rows % 2})


def parquet(path, n=10, group=4, start=0):
    from pyarrow import parquet

    parquet.write_table(table(n, start), path, row_group_size=group)
    return path


def test_row_groups_are_the_blocks(tmp_path):
    files = open_files(parquet(tmp_path / "t.parquet"), "t")
    blocks = files.blocks(100)
    assert files.rows == 10
    assert [[len(part) for part in block()] for block in blocks] == [[4], [4], [2]]
    assert next(blocks[1]())["a"].values.tolist() == [4.5, 5.5, 6.5, 7.5]


def test_blocks_tell_their_rows(tmp_path):
    from pyarrow import feather

    files = open_files(parquet(tmp_path / "t.parquet"), "t")
    assert [block.count() for block in files.blocks(100)] == [4, 4, 2]
    feather.write_feather(table(), tmp_path / "t.feather")
    assert [block.count() for block in open_files(tmp_path / "t.feather", "t").blocks(3)] == [
        10
    ]


def test_a_large_row_group_comes_in_parts(tmp_path):
    files = open_files(parquet(tmp_path / "t.parquet", group=10), "t")
    (block,) = files.blocks(4)
    assert [len(part) for part in block()] == [4, 4, 2]


def test_a_folder_and_a_list_of_files(tmp_path):
    for name, start in (("a", 0), ("b", 10)):
        parquet(tmp_path / f"{name}.parquet", start=start)
    folder = open_files(tmp_path, "folder")
    both = open_files([tmp_path / "b.parquet", tmp_path / "a.parquet"], "both")
    assert folder.rows == both.rows == 20
    assert next(both.blocks(9)[0]())["a"].values[0] == 0.5


def test_feather_files(tmp_path):
    from pyarrow import feather

    feather.write_feather(table(), tmp_path / "t.feather")
    files = open_files(tmp_path / "t.feather", "t")
    assert files.rows == 10
    assert sum(len(part) for block in files.blocks(3) for part in block()) == 10


def test_rows_are_drawn_from_several_groups(tmp_path):
    files = open_files(parquet(tmp_path / "t.parquet"), "t")
    drawn = files.sample(7, np.random.default_rng(0))
    assert len(drawn) == 7
    assert len({*drawn["a"].values}) == 7
    assert len(files.sample(99, np.random.default_rng(0))) == 10


def test_what_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(bpx.MissingFileError, match="does not exist"):
        open_files(tmp_path / "missing.parquet", "t")
    with pytest.raises(bpx.MissingFileError, match="has no files"):
        open_files(tmp_path, "t")
    (tmp_path / "t.parquet").write_bytes(b"not parquet")
    with pytest.raises(bpx.FileFormatError, match="cannot be read"):
        open_files(tmp_path / "t.parquet", "t")
    (tmp_path / "t.txt").write_text("a,b\n")
    with pytest.raises(bpx.InputError, match="of the kinds"):
        open_files(tmp_path / "t.txt", "t")


def test_a_damaged_row_group_is_told(tmp_path):
    path = parquet(tmp_path / "t.parquet", n=3000, group=1000)
    content = bytearray(path.read_bytes())
    content[200:4000] = bytes(3800)
    path.write_bytes(content)
    blocks = open_files(path, "t").blocks(500)
    with pytest.raises(bpx.FileFormatError, match="cannot be read"):
        list(blocks[0]())


def test_fingerprints_tell_files_by_their_content(tmp_path):
    first = open_files(parquet(tmp_path / "a.parquet"), "a").prints()["the data set"]
    assert first["number of rows"] == 10
    assert first["list of columns"] == ["a: double", "b: string", "y: int64"]
    assert first["number of files"] == 1
    moved = open_files(parquet(tmp_path / "b.parquet"), "b").prints()["the data set"]
    assert moved == first
    other = open_files(parquet(tmp_path / "b.parquet", start=1), "b").prints()["the data set"]
    assert other["blake2b"] != first["blake2b"]
    pair = open_files(tmp_path, "both").prints()["the data set"]
    assert (pair["number of rows"], pair["number of files"]) == (20, 2)


def test_a_data_set_in_memory_has_rows_and_columns():
    from pyarrow import dataset

    found = Files(dataset.dataset(table()), "memory").prints()["the data set"]
    assert [*found] == ["number of rows", "list of columns"]


def test_a_filtered_data_set_is_refused(tmp_path):
    from pyarrow import dataset

    parquet(tmp_path / "t.parquet")
    some = dataset.dataset(tmp_path).filter(dataset.field("a") > 4)
    with pytest.raises(bpx.InputError, match=r"t cannot be read in blocks .*; expected a"):
        Files(some, "t").blocks(3)
