"""The sizes of blocks that nobody has chosen."""

import numpy as np
import pytest

import bpx
from bpx.data.streams.sizes import row_bytes, rows_of_block
from bpx.data.streams.sources import Sliced


def test_the_bytes_of_a_row():
    assert row_bytes(np.zeros((5, 3, 2), "int16")) == 12
    assert row_bytes(np.zeros(5)) == 8


@pytest.mark.parametrize(("each", "rows"), [(1, 2**22), (1000, 4194), (2**23, 1)])
def test_a_block_has_about_four_megabytes(each, rows):
    source = Sliced(np.zeros((7, 3)), None, None, "x")
    assert rows_of_block(source, each) == rows


def test_blocks_of_a_file_are_whole_pages(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((10, 3), "float32"))
    source = bpx.data.stream(tmp_path / "x.npy").source
    assert rows_of_block(source, 12) % 1024 == 0


class InChunks:
    """Rows of 8 bytes that are stored in chunks."""

    shape, dtype = (10**9, 2), np.dtype("float32")

    def __init__(self, rows):
        self.chunks = (rows, 2)


@pytest.mark.parametrize(
    ("chunk", "rows"),
    [
        (1, 524288),
        (100_000, 500_000),
        (400_000, 400_000),
        (524_289, 524_289),  # larger than a block
        (8_388_608, 8_388_608),  # a window
        (8_388_609, 524_288),  # larger than a window
    ],
)
def test_a_block_has_whole_chunks(chunk, rows):
    assert rows_of_block(Sliced(InChunks(chunk), None, None, "x"), 8) == rows
