"""Loops: what they read and store, how arrays are stepped through, and their functions."""

import numpy as np
import pytest

import bpx
from bpx.program.operation import DTYPES
from bpx_backends.engines.cuda.layout import Place
from bpx_backends.engines.cuda.loops import Function, row_step, steps
from bpx_backends.engines.cuda.scribe import Scribe, at
from tests.engines.cuda.functions import loop_of, loops

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


def test_an_index_is_a_sum_of_what_moves():
    assert at(("i", 4), ("j", 1)) == "i * 4 + j"
    assert at(("i", 0), ("j", 0)) == "0"


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


def test_a_function_is_given_each_address_once():
    def twice(x, y):
        t = x + y * x
        return [t, t - y]

    (loop,) = loops(twice, np.ones(8, "float32"), np.ones(8, "float32"))
    scribe = Scribe(loop)
    names = [scribe.pointer(v) for v in (*loop.read, *loop.read)]
    assert names[:2] == names[2:]
    function = scribe.function([])
    assert function.arguments == tuple(loop.places[v].offset for v in loop.read)
    assert function.text.count("arena + ") == 2


@pytest.mark.parametrize(("n", "kind"), [(2**28 - 1, "int"), (2**28, "long long")])
def test_indices_have_64_bits_where_they_need_them(n, kind):
    assert Scribe(loop_of("square", (1, n), (1, n))).index == kind
