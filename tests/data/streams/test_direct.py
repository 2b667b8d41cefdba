"""Pages of a file are read past the cache where that is possible, and nowhere half."""

import os

import numpy as np
import pytest

from bpx.data.streams.direct import PAGE, aligned_rows, read_pages, whole_pages


def memory(pages, shift=0):
    """Bytes that begin at that place of a page."""
    found = np.zeros((pages + 1) * PAGE, np.uint8)
    begin = (shift - found.ctypes.data) % PAGE
    return found[begin : begin + pages * PAGE]


@pytest.mark.parametrize(
    ("rows", "each", "expected"),
    [
        (1334, 3136, 1280),  # 64 rows of 784 numbers are 49 pages
        (64, 3136, 64),
        (63, 3136, 63),
        (4096, 1, 4096),
        (5000, 1, 4096),
        (7, 4096, 7),
        (7, 8192, 7),
        (3, 0, 3),
        (1, 5, 1),
    ],
)
def test_blocks_are_whole_pages_where_they_can_be(rows, each, expected):
    found = aligned_rows(rows, each)
    assert (found, type(found)) == (expected, int)


@pytest.mark.parametrize("place", [0, 128, PAGE - 1])
@pytest.mark.parametrize("size", [0, 1, PAGE - 1, PAGE, 2 * PAGE, 2 * PAGE + 5])
def test_whole_pages_are_pages_of_both(place, size):
    into = memory(3, place)[:size]
    found = whole_pages(7 * PAGE + place, into)
    inside = [i for i in range(size) if (place + i) % PAGE == 0 and i + PAGE <= size]
    if not inside:
        assert found is None
    else:
        assert found == slice(inside[0], inside[-1] + PAGE)
        assert into[found].ctypes.data % PAGE == 0
    assert whole_pages(7 * PAGE + place + 1, into) is None


def test_pages_are_read_or_left_to_others(tmp_path, monkeypatch):
    path, into = tmp_path / "a", memory(2)
    content = np.random.default_rng(0).integers(256, size=4 * PAGE, dtype=np.uint8)
    path.write_bytes(content.tobytes())
    if read_pages(path, PAGE, into):
        assert np.array_equal(into, content[PAGE : 3 * PAGE])
    assert not read_pages(path, 3 * PAGE, memory(2))  # it is too short
    assert not read_pages(tmp_path / "none", 0, into)

    def refuse(*_):
        raise OSError("not on this file system")

    with monkeypatch.context() as patch:
        patch.setattr(os, "preadv", refuse, raising=False)
        assert not read_pages(path, 0, into)
    monkeypatch.delattr(os, "O_DIRECT", raising=False)
    assert not read_pages(path, 0, into)
