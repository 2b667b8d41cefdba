"""Loops that reduce their rows: the threads of a row, and what goes from phase to phase."""

import numpy as np
import pytest

import bpx
from bpx_backends.engines.cuda.rows import row_slices, rows
from tests.engines.cuda.functions import computing, loop_of, loops
from tests.engines.cuda.steps import emulator

SHAPES = [(1, 1), (9, 5), (5, 32), (5, 33), (3, 100), (2, 1300)]


def normalised(x):
    """Three phases, each of what the one before has reduced; and a number for each row."""
    xp = bpx.namespace(x)
    off = x - xp.mean(x, axis=1, keepdims=True)
    deviation = xp.sqrt(xp.mean(off * off, axis=1, keepdims=True) + 1e-3)
    yield off / deviation
    yield xp.log(deviation) * 2.0
    yield xp.max(off / deviation, axis=1)


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_phases_of_short_and_long_rows(shape):
    run, expected = computing(normalised, np.random.default_rng(0).normal(size=shape))
    for backwards in (False, True):
        found = run.after(emulator(reverse=backwards)[0].scan)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    ("n", "k", "threads"),
    [
        (7, 2, 2),
        (7, 5, 8),
        (7, 32, 32),
        (7, 33, 32),
        (7, 1024, 32),
        (7, 1025, 256),
        (10**5, 1025, 32),
    ],
)
def test_the_threads_of_a_row(n, k, threads):
    assert rows(loop_of("sum", (n, k), (n,), axis=1)).items == n * threads


def test_rows_whose_columns_are_summed_too_are_cut_into_slices():
    def softmax_and_its_sum(x):
        xp = bpx.namespace(x)
        e = xp.exp(x - xp.max(x, axis=1, keepdims=True))
        return [xp.sum(e / xp.sum(e, axis=1, keepdims=True), axis=0)]

    (few,) = loops(softmax_and_its_sum, np.ones((40, 10), "float32"))
    many, totals = loops(softmax_and_its_sum, np.ones((5000, 10), "float32"))
    assert row_slices(few) == rows(few).blocks == 1
    assert row_slices(many) == rows(many).blocks == totals.domain[0] > 1
