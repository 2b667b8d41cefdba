"""Loops without reductions: what a thread takes, and which loops share a function."""

import numpy as np
import pytest

import bpx
from bpx_backends.engines.cuda.flat import flat
from tests.engines.cuda.functions import computing, loops
from tests.engines.cuda.steps import emulator

SHAPES = [(1, 1), (3, 8), (3, 5), (70, 4), (300, 1), (1, 300)]


def broadcast(x, row, column, turned, one):
    yield x * 2.0 + row
    yield bpx.namespace(x).abs(x - column) * one
    yield x + turned.mT


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("dtype", ["float32", "int64"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_whatever_is_broadcast_comes_to_each_element(shape, dtype):
    n, k = shape
    rng = np.random.default_rng(0)
    shapes = shape, (k,), (n, 1), (k, n), (1,)
    arrays = [rng.integers(-9, 9, each).astype(dtype) for each in shapes]
    run, expected = computing(broadcast, *arrays)
    for backwards in (False, True):
        found = run.after(emulator(reverse=backwards)[0].scan)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)


def made(shape, function=lambda x: [x * 2.0 + 1.0], *more):
    (loop,) = loops(function, np.zeros(shape, "float32"), *more)
    return flat(loop)


def test_layers_of_any_size_share_a_function():
    small, large = made((3, 4)), made((30, 784))
    assert small.text == large.text
    assert small.arguments != large.arguments
    assert made((3, 5)).text != small.text  # an element at a time


def test_a_row_that_is_broadcast_is_of_that_width():
    def added(x, row):
        return [x + row]

    texts = {made((3, k), added, np.zeros(k, "float32")).text for k in (4, 8)}
    assert len(texts) == 2


@pytest.mark.parametrize(("shape", "threads"), [((3, 8), 6), ((3, 4), 3), ((3, 5), 15)])
def test_a_thread_takes_four_elements_where_they_come_out_even(shape, threads):
    assert made(shape).items == threads
