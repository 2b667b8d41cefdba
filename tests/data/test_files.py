"""Bytes from files: what a header declares is held against what is there."""

import gzip
import os
import tracemalloc

import numpy as np
import pytest

from bpx.data import read_idx
from bpx.errors import FileFormatError, InputError
from tests.data.written import header, idx_bytes, write


def peak_of_refusal(path):
    """The most memory that reading a bad file took, its modules being imported already."""
    tracemalloc.start()
    try:
        with pytest.raises(FileFormatError):
            read_idx(path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["images.gz", "images", "images-idx1-ubyte"])
def test_gzip_is_told_by_content_and_not_by_name(tmp_path, name):
    array = np.arange(7, dtype=np.uint8)
    plain = read_idx(write(tmp_path / name, idx_bytes(array)))
    packed = read_idx(write(tmp_path / name, gzip.compress(idx_bytes(array))))
    assert plain.tolist() == packed.tolist() == array.tolist()


def test_several_gzip_members_and_more_than_one_chunk(tmp_path):
    array = np.arange(3_000_000, dtype=np.int32) % 251
    content = idx_bytes(array)
    cut = len(content) // 3
    path = write(
        tmp_path / "a", gzip.compress(content[:cut], 1) + gzip.compress(content[cut:], 1)
    )
    np.testing.assert_array_equal(read_idx(path), array)


@pytest.mark.parametrize("keep", [2, 11, 40, -1, -8])
def test_a_truncated_gzip_is_refused(tmp_path, keep):
    content = gzip.compress(idx_bytes(np.random.default_rng(0).integers(0, 255, 500, np.uint8)))
    with pytest.raises(FileFormatError, match="truncated"):
        read_idx(write(tmp_path / "bad", content[:keep]))


def test_damaged_gzip_data_are_refused(tmp_path):
    content = bytearray(gzip.compress(idx_bytes(np.arange(200, dtype=np.uint8))))
    content[-6] ^= 0xFF  # in the checksum
    with pytest.raises(FileFormatError, match="damaged"):
        read_idx(write(tmp_path / "bad", bytes(content)))


def test_bytes_after_the_gzip_data_are_refused(tmp_path):
    content = gzip.compress(idx_bytes(np.arange(200, dtype=np.uint8))) + b"more"
    with pytest.raises(FileFormatError, match="damaged"):
        read_idx(write(tmp_path / "bad", content))


@pytest.mark.parametrize(
    "shape",
    [(60_000, 784), (2**32 - 1,) * 2, (2**32 - 1,) * 8, (2**31, 2**31, 4), (1,) * 3 + (10**9,)],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_lying_header_allocates_almost_nothing(tmp_path, shape, packed):
    content = header(*shape, code=0x0E) + bytes(1000)
    path = write(tmp_path / "bad", gzip.compress(content) if packed else content)
    peak_of_refusal(path)
    assert peak_of_refusal(path) < 300_000


def test_memory_follows_the_data_where_gzip_could_hold_what_is_declared(tmp_path):
    noise = os.urandom(100_000)
    declared = 50_000_000
    path = write(tmp_path / "bad", gzip.compress(header(declared) + noise))
    assert declared < 1032 * path.stat().st_size  # so the header alone cannot be refused
    peak_of_refusal(path)
    assert peak_of_refusal(path) < 3_000_000


@pytest.mark.parametrize("shape", [(0, 2**32 - 1, 2**32 - 1, 2**32 - 1), (0,) + (1,) * 70])
def test_an_empty_array_that_cannot_be_addressed_is_refused(tmp_path, shape):
    with pytest.raises(FileFormatError, match="dimensions"):
        read_idx(write(tmp_path / "bad", header(*shape)))


def test_the_bound_on_gzip_lets_the_most_compressible_data_through(tmp_path):
    array = np.zeros(5_000_000, np.uint8)
    path = write(tmp_path / "zeros", gzip.compress(idx_bytes(array), 9))
    assert array.size / path.stat().st_size > 900
    assert read_idx(path).shape == array.shape


def test_a_path_that_is_no_file(tmp_path):
    with pytest.raises(InputError, match=r"missing does not exist"):
        read_idx(tmp_path / "missing")
    with pytest.raises(InputError, match="folder"):
        read_idx(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        read_idx("a\0b")


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="permissions do not bind this user"
)
def test_a_file_that_may_not_be_read(tmp_path):
    path = write(tmp_path / "a", idx_bytes(np.zeros(1, np.uint8)))
    path.chmod(0)
    with pytest.raises(InputError, match="cannot be opened"):
        read_idx(path)
