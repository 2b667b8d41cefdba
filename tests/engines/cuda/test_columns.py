"""Loops that sum their columns: how the rows are cut, and that every row is counted once."""

import numpy as np
import pytest

import bpx
from bpx_backends.engines.cuda.columns import column_slices, columns
from tests.engines.cuda.functions import computing, loop_of, loops
from tests.engines.cuda.steps import emulator


def summed(x):
    return [bpx.namespace(x).sum(x * 3, axis=0)]


@pytest.mark.parametrize(("n", "slices"), [(1, 1), (1024, 1), (1025, 3), (10**7, 64)])
def test_many_rows_are_cut_into_slices(n, slices):
    assert column_slices(loop_of("sum", (n, 10), (10,), axis=0)) == slices


def test_the_slices_sums_are_summed_by_a_loop_of_their_own():
    assert len(loops(summed, np.ones((1024, 10), "float32"))) == 1
    first, totals = loops(summed, np.ones((1025, 10), "float32"))
    assert (first.domain, totals.domain) == ((1025, 10), (3, 10))


@pytest.mark.parametrize(("k", "tiles"), [(1, 1), (32, 1), (33, 2), (100, 4)])
def test_columns_have_blocks_of_their_own(k, tiles):
    (loop,) = loops(summed, np.ones((40, k), "float32"))
    function = columns(loop)
    assert function.blocks == tiles
    assert function.threads % 32 == 0


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("shape", [(1, 3), (7, 33), (255, 1), (257, 2), (5000, 3)], ids=str)
def test_every_row_is_counted_once(shape):
    run, expected = computing(summed, np.arange(np.prod(shape)).reshape(shape))
    for backwards in (False, True):
        (found,) = run.after(emulator(reverse=backwards)[0].scan)
        np.testing.assert_array_equal(found, *expected)
