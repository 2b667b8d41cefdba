"""Loops: what they read and store, how arrays are stepped through, and their functions."""

import numpy as np
import pytest

import bpx
from bpx.program.operation import DTYPES
from bpx_backends.engines.cuda.layout import Place
from bpx_backends.engines.cuda.loops import Function, row_step, steps
from tests.engines.cuda.functions import loops

FLOAT = DTYPES["float32"]


@pytest.mark.parametrize(
    ("shape", "strides", "domain", "found"),
    [
        ((3, 4), (4, 1), (3, 4), (4, 1)),
        ((3, 4), (1, 3), (3, 4), (1, 3)),
        ((4,), (1,), (3, 4), (0, 1)),  # a vector is added to each row
        ((3, 1), (1, 1), (3, 4), (1, 0)),
        ((1, 4), (9, 1), (3, 4), (0, 1)),
        ((1,), (1,), (3, 4), (0, 0)),
        ((), (), (3, 4), (0, 0)),
        ((4, 1), (1, 1), (1, 4), (0, 1)),  # a column, along the one row that there is
    ],
)
def test_how_far_it_is_to_the_next_element(shape, strides, domain, found):
    assert steps(Place(0, FLOAT, shape, strides), domain) == found


@pytest.mark.parametrize(
    ("shape", "strides", "found"),
    [((3,), (1,), 1), ((3, 1), (5, 1), 5), ((1, 1), (5, 1), 0), ((3,), (-2,), -2)],
)
def test_how_far_it_is_to_the_next_row(shape, strides, found):
    assert row_step(Place(0, FLOAT, shape, strides)) == found


@pytest.mark.parametrize(
    ("items", "blocks", "started"),
    [(1, 0, 1), (256, 0, 1), (257, 0, 2), (10**9, 0, 4096), (9, 7, 7)],
)
def test_no_more_blocks_are_started_than_have_work(items, blocks, started):
    assert Function("", (), 256, items, blocks, (), ()).blocks_of(256) == started


def softmax(x):
    xp = bpx.namespace(x)
    e = xp.exp(x - xp.max(x, axis=1, keepdims=True))
    sums = xp.sum(e, axis=1, keepdims=True)
    return [e / sums, xp.log(sums), xp.sum(x, axis=0)]


def test_what_a_loop_reads_and_stores():
    loop = next(each for each in loops(softmax, np.ones((5, 4), "float32")) if each.by_rows)
    (x,) = loop.read
    assert (loop.domain, x.shape) == ((5, 4), (5, 4))
    assert not loop.made & set(loop.read)
    assert loop.stores >= set(loop.stored)
    assert {v.shape for v in loop.stored} <= {(5, 4), (5, 1), (4,)}
    assert {v.shape for v in loop.row_results} == {(5, 1)}
    assert loop.reads == [loop.places[x].span]
    assert len(loop.writes) == len(loop.stored)
