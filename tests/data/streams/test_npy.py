"""Rows of an NPY file are read when they are copied, and a file that lies is refused."""

import os

import numpy as np
import pytest

import bpx
from bpx.data.streams import npy
from bpx.data.streams.direct import PAGE
from bpx.data.streams.npy import open_npy


def saved(tmp_path, x, name="x.npy"):
    np.save(tmp_path / name, x)
    return tmp_path / name


def test_slices_are_read_into_the_array_that_takes_them(tmp_path):
    x = np.random.default_rng(0).random((50, 3))
    rows = open_npy(saved(tmp_path, x))
    assert (rows.shape, rows.dtype, len(rows)) == ((50, 3), x.dtype, 50)
    part = rows[10:40][5:12]
    assert part.shape == (7, 3)
    for dtype in ("float64", "float32"):
        out = np.empty((7, 3), dtype)
        part.copy_to(out)
        assert np.array_equal(out, x[15:22].astype(dtype))
    assert np.array_equal(np.asarray(part), x[15:22])
    assert np.asarray(part, dtype="float32").dtype == np.float32
    assert rows[40:99].shape == (10, 3)
    assert rows[20:10].shape == (0, 3)


def test_an_array_that_is_not_contiguous_takes_rows_too(tmp_path):
    x = np.arange(12.0).reshape(4, 3)
    out = np.zeros((4, 6))[:, ::2]
    open_npy(saved(tmp_path, x)).copy_to(out)
    assert np.array_equal(out, x)


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="the system cannot be asked")
def test_rows_are_asked_for_where_they_lie(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(os, "posix_fadvise", lambda file, *what: asked.append(what))
    rows = open_npy(saved(tmp_path, np.zeros((50, 3))))
    rows[10:30].soon()
    assert asked == [(rows.offset + 10 * 24, 20 * 24, os.POSIX_FADV_WILLNEED)]


def test_rows_that_cannot_be_asked_for_are_read_all_the_same(tmp_path, monkeypatch):
    rows = open_npy(saved(tmp_path, np.ones((5, 3))))

    def refuse(*_):
        raise OSError("not on this file system")

    monkeypatch.setattr(os, "posix_fadvise", refuse, raising=False)
    rows.soon()
    monkeypatch.delattr(os, "posix_fadvise")
    rows.soon()
    assert np.asarray(rows).all()


@pytest.mark.parametrize("past", [True, False])
@pytest.mark.parametrize("shift", [0, 64])
@pytest.mark.parametrize("rows", [slice(0, 9000), slice(7, 7000), slice(3, 20), slice(0, 0)])
def test_pages_are_read_wherever_the_rows_go(tmp_path, past, shift, rows, monkeypatch):
    monkeypatch.setattr(npy, "LARGE", 0)
    x = np.random.default_rng(0).random((9000, 5), dtype=np.float32)
    part = open_npy(saved(tmp_path, x))[rows]
    if not past:
        part.late()
    read, spy = [], npy.read_pages
    monkeypatch.setattr(npy, "read_pages", lambda *given: read.append(given) or spy(*given))
    memory = np.full(part.shape[0] * 20 + 2 * PAGE, 255, np.uint8)
    begin = (part.place - memory.ctypes.data + shift) % PAGE
    part.copy_to(memory[begin : begin + part.shape[0] * 20].view("float32").reshape(-1, 5))
    expected = np.full_like(memory, 255)
    expected[begin : begin + part.shape[0] * 20] = x[rows].reshape(-1).view(np.uint8)
    assert np.array_equal(memory, expected)
    assert bool(read) == (past and not shift and part.shape[0] > 1000)


def test_the_cache_is_used_once_it_is_of_use(tmp_path, monkeypatch):
    """After a wait, for another dtype, and where pages cannot be read past it."""
    asked = []
    monkeypatch.setattr(npy, "LARGE", 8 * PAGE)
    monkeypatch.setattr(os, "posix_fadvise", lambda *given: asked.append(given), raising=False)
    monkeypatch.setattr(os, "POSIX_FADV_WILLNEED", 3, raising=False)
    memory = np.empty(9 * PAGE, np.uint8)
    begin = -memory.ctypes.data % PAGE
    here = memory[begin + 128 :][: 8 * PAGE - 128].view("float32")

    def uses_cache(rows, others):
        asked.clear()
        rows.soon()
        before = bool(asked)
        others(rows)
        rows[1:].soon()
        return before, bool(asked)

    def failing(rows):
        with monkeypatch.context() as patch:
            patch.setattr(npy, "read_pages", lambda *given: False)
            rows.copy_to(here[: len(rows)])

    path = saved(tmp_path, np.arange(8 * PAGE // 4 - 32, dtype="float32"))
    assert uses_cache(open_npy(path), lambda rows: rows[:5].late()) == (False, True)
    other = np.empty(len(here), "float64")
    assert uses_cache(open_npy(path), lambda rows: rows.copy_to(other)) == (False, True)
    assert np.array_equal(other, np.arange(len(here)))
    assert uses_cache(open_npy(path), failing) == (False, True)
    assert np.array_equal(here, np.arange(len(here)))
    assert uses_cache(open_npy(path), lambda rows: rows.copy_to(other.astype("f4")))[0] is False
    small = saved(tmp_path, np.zeros(5, "float32"), "small.npy")
    assert uses_cache(open_npy(small), lambda rows: None) == (True, True)


def test_other_byte_orders_are_read(tmp_path):
    x = np.arange(6.0).reshape(3, 2)
    rows = open_npy(saved(tmp_path, x.astype(">f4")))
    assert np.array_equal(np.asarray(rows), x)
    assert np.asarray(rows).dtype.isnative


def test_every_other_row_is_refused(tmp_path):
    with pytest.raises(IndexError, match="only be read in order"):
        open_npy(saved(tmp_path, np.zeros((4, 2))))[::2]


def test_a_file_in_another_order_is_refused(tmp_path):
    path = saved(tmp_path, np.asfortranarray(np.zeros((4, 3))))
    with pytest.raises(bpx.FileFormatError, match="column by column"):
        open_npy(path)


def test_a_truncated_file_is_refused(tmp_path):
    path = saved(tmp_path, np.zeros((4, 3)))
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(bpx.FileFormatError, match="truncated"):
        open_npy(path)


def test_a_file_that_is_cut_while_it_is_read_is_told(tmp_path):
    path = saved(tmp_path, np.zeros((4, 3)))
    rows = open_npy(path)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(bpx.FileFormatError, match="ends before row 3"):
        np.asarray(rows)


def test_a_number_and_a_compressed_file_are_refused(tmp_path):
    import gzip

    with pytest.raises(bpx.FileFormatError, match="a single number"):
        open_npy(saved(tmp_path, np.float64(3.0)))
    packed = tmp_path / "packed.npy"
    packed.write_bytes(gzip.compress(saved(tmp_path, np.zeros(3)).read_bytes()))
    with pytest.raises(bpx.FileFormatError, match="is compressed"):
        open_npy(packed)
    with pytest.raises(bpx.MissingFileError):
        open_npy(tmp_path / "missing.npy")
