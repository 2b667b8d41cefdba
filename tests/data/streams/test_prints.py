"""Fingerprints of rows and of files: the same for the same content, wherever it lies."""

import io

import numpy as np
import pytest

from bpx.data.streams import prints as module
from bpx.data.streams.npy import open_npy
from bpx.data.streams.prints import of_files, of_rows


def test_an_array_a_memory_map_and_a_file_are_alike(tmp_path):
    x = np.random.default_rng(0).random((30, 4))
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "big.npy", x.astype(">f8"))
    found = of_rows(x)
    assert (found["shape"], found["dtype"]) == ([30, 4], "float64")
    assert of_rows(np.load(tmp_path / "x.npy", mmap_mode="r")) == found
    assert of_rows(open_npy(tmp_path / "x.npy")) == found
    assert of_rows(open_npy(tmp_path / "big.npy")) == found


def test_each_number_counts():
    x, seen = np.zeros((6, 2)), set()
    for i in range(12):
        x[:] = 0.0
        x.flat[i] = 1e-9
        seen.add(of_rows(x)["blake2b"])
    assert len(seen) == 12
    assert of_rows(x[:5])["shape"] == [5, 2]
    assert of_rows(x.astype("float32"))["dtype"] == "float32"


@pytest.fixture
def _small(monkeypatch):
    for name, value in (("WHOLE", 64), ("BLOCK", 8), ("BLOCKS", 6)):
        monkeypatch.setattr(module, name, value)


@pytest.mark.usefixtures("_small")
def test_of_many_rows_only_some_are_read():
    class Rows(np.ndarray):
        read = 0

        def __getitem__(self, rows):
            Rows.read += rows.stop - rows.start
            return np.asarray(self)[rows]

    x = np.arange(1000, dtype="float32")
    of_rows(x.view(Rows))
    assert Rows.read == 6 * 2
    other = x.copy()
    other[-1] = 0.0
    assert of_rows(other) != of_rows(x)


def content(*texts):
    return of_files([io.BytesIO(each) for each in texts], [len(each) for each in texts])


def test_files_are_their_bytes_in_order():
    found = content(b"abc", b"de")
    assert (found["number of files"], found["size in bytes"]) == (2, 5)
    assert found == content(b"abc", b"de")
    others = content(b"ab", b"cde"), content(b"de", b"abc"), content(b"abc", b"dx")
    assert len({each["blake2b"] for each in (found, *others)}) == 4
    assert content()["number of files"] == 0


@pytest.mark.usefixtures("_small")
def test_the_ends_of_many_files_count():
    texts = [bytes(100) for _ in range(9)]
    found = content(*texts)
    for at in (0, 7, 92, 99):
        changed = bytearray(100)
        changed[at] = 1
        assert content(*texts[:8], bytes(changed)) != found
    changed = bytearray(100)
    changed[50] = 1
    assert content(*texts[:8], bytes(changed)) == found
