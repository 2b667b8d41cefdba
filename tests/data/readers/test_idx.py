"""IDX files: what is read, and what is refused before it is believed."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bpx.data import read_idx
from bpx.errors import FileFormatError
from tests.data.written import CODES, header, idx_bytes, write


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
