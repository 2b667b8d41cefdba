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
