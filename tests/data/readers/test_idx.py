"""IDX files: what is read, and what is refused before it is believed."""

import gzip
import math
import os
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bpx.data import read, read_idx
from bpx.errors import FileFormatError, InputError

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx_bytes(array):
    code = CODES[array.dtype.str[1:]]
    header = bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def header(*shape, code=0x08):
    return bytes([0, 0, code, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)


def write(path, data):
    path.write_bytes(data)
    return path


def peak_of_refusal(path):
    """The most memory that reading a bad file took, its modules being imported already."""
    tracemalloc.start()
    try:
        with pytest.raises(FileFormatError):
            read_idx(path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data(), packed=st.booleans())
def test_every_array_comes_back_as_it_was_written(tmp_path, data, packed):
    dtype = np.dtype(data.draw(st.sampled_from(sorted(CODES))))
    shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)
    array = data.draw(hnp.arrays(dtype, shapes))
    content = idx_bytes(array)
    path = write(tmp_path / "a", gzip.compress(content) if packed else content)
    result = read_idx(path)
    assert result.dtype == dtype
    assert result.dtype.isnative
    assert result.shape == array.shape
    assert result.tobytes() == array.tobytes()  # NaN payloads and signed zeros too
    assert result.flags.c_contiguous
    assert result.flags.writeable


def test_elements_are_big_endian(tmp_path):
    path = write(tmp_path / "a", header(2, code=0x0B) + b"\x01\x02\xff\xfe")
    assert read_idx(path).tolist() == [0x0102, -2]


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


def test_the_result_may_be_written(tmp_path):
    path = write(tmp_path / "a", idx_bytes(np.zeros(3, np.float64)))
    result = read_idx(path)
    result[1] = 5
    assert result.tolist() == [0, 5, 0]
    assert read_idx(path).tolist() == [0, 0, 0]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0\x08",
        header(3)[:6],
        header(3) + b"ab",
        header(3) + b"abcd",
        header(2, 2, code=0x0E) + bytes(31),
        b"\0\0\x0a\x01" + bytes(8),
        b"\1\0\x08\x01\0\0\0\x01a",
        b"\x89PNG\r\n\x1a\n",
    ],
    ids=["empty", "magic", "dims", "short", "long", "short-f8", "code", "zeros", "foreign"],
)
def test_a_file_that_is_not_what_it_says_is_refused(tmp_path, content, packed):
    path = write(tmp_path / "bad", gzip.compress(content) if packed else content)
    with pytest.raises(FileFormatError, match="bad: "):
        read_idx(path)


def test_the_message_has_what_was_declared_and_what_was_found(tmp_path):
    path = write(tmp_path / "bad", header(10, 28, 28) + bytes(100))
    with pytest.raises(
        FileFormatError, match=r"uint8 of shape \(10, 28, 28\), 7840 bytes.* 100"
    ):
        read_idx(path)


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
    with pytest.raises(InputError, match=r"missing: there is nothing here"):
        read_idx(tmp_path / "missing")
    with pytest.raises(InputError, match="folder"):
        read_idx(tmp_path)
    with pytest.raises(InputError, match="nothing"):
        read_idx("a\0b")


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="permissions do not bind this user"
)
def test_a_file_that_may_not_be_read(tmp_path):
    path = write(tmp_path / "a", idx_bytes(np.zeros(1, np.uint8)))
    path.chmod(0)
    with pytest.raises(InputError, match="cannot be opened"):
        read_idx(path)


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "a.idx3-ubyte.gz", "a.idx"])
def test_read_takes_idx_of_any_name_and_makes_rows(tmp_path, name):
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    split = read(write(tmp_path / name, idx_bytes(images)))
    assert split.y is None
    assert split.x.dtype == np.float32
    assert split.x.tolist() == images.reshape(2, 12).tolist()


@pytest.mark.parametrize("shape", [(5,), (0, 3), (0,)])
def test_read_makes_rows_of_odd_shapes(tmp_path, shape):
    split = read(write(tmp_path / "a.idx", idx_bytes(np.zeros(shape, np.float32))))
    assert split.x.shape == (shape[0], math.prod(shape[1:]))


def test_read_refuses_a_single_number(tmp_path):
    with pytest.raises(FileFormatError, match="single number"):
        read(write(tmp_path / "a.idx", idx_bytes(np.array(1, np.int32))))


def test_read_refuses_a_kind_that_it_does_not_know(tmp_path):
    with pytest.raises(InputError, match=r"'\.parquet'.*\.csv, \.tsv, \.npy, \.npz or an IDX"):
        read(write(tmp_path / "a.parquet", b"PAR1PAR1"))


@pytest.mark.parametrize("options", [{"target": "y"}, {"delimiter": ";"}, {"header": True}])
def test_read_refuses_options_of_tables_for_idx(tmp_path, options):
    path = write(tmp_path / "a.idx", idx_bytes(np.zeros((2, 2), np.uint8)))
    with pytest.raises(InputError, match="has no use for"):
        read(path, **options)


def mnist_file(name):
    folder = os.environ.get("BPX_DATA")
    for place in (Path(folder or "."), Path(folder or ".") / "mnist"):
        for path in (place / name, place / f"{name}.gz"):
            if folder and path.is_file():
                return path
    return pytest.skip(f"BPX_DATA names no folder with {name}")


@pytest.mark.mnist
def test_the_real_files():
    images = read_idx(mnist_file("t10k-images-idx3-ubyte"))
    labels = read_idx(mnist_file("t10k-labels-idx1-ubyte"))
    assert images.shape == (10_000, 28, 28)
    assert images.dtype == np.uint8
    assert labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert np.bincount(labels).tolist() == [
        980,
        1135,
        1032,
        1010,
        982,
        892,
        958,
        1028,
        974,
        1009,
    ]
