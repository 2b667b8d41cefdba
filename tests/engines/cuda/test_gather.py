"""The rows that a mini-batch picks, and rows that a step picks itself."""

import numpy as np
import pytest

import bpx
from bpx.program.operation import DTYPES
from bpx_backends.engines.cuda.gather import gather, pick
from bpx_backends.engines.cuda.layout import Place
from tests.engines.cuda.steps import Own, Run, emulator

ROWS = np.array([[1, 0, 1], [8, 8, 2], [0, 3, 5]], "int32")
FLOAT, INDEX = DTYPES["float32"], DTYPES["int32"]


def of_the_data(state, data, rows):
    xp = bpx.namespace(data[0])
    return state[0] + xp.take(data[0], rows, axis=0), state[1] + xp.astype(rows, xp.int64)


def from_the_end(state, data, rows):
    xp = bpx.namespace(data[0])
    own = xp.arange(-3, 0, dtype=xp.int32)
    return state[0] + xp.take(data[0] * 2, own, axis=0), state[1] + xp.take(own, own, axis=0)


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("k", [1, 4, 7])
@pytest.mark.parametrize("function", [of_the_data, from_the_end])
def test_rows_are_those_that_were_asked_for(function, k, dtype):
    state = np.zeros((3, k), dtype), np.zeros(3, "int64")
    run = Run(Own(function), state, (np.arange(9 * k).reshape(9, k).astype(dtype),), ROWS)
    for backwards in (False, True):
        found = run.after(emulator(reverse=backwards)[0].scan, 1, 3)
        for one, other in zip(found, run.eagerly(), strict=True):
            np.testing.assert_array_equal(one, other)


def of_bytes(state, data, rows):
    xp = bpx.namespace(data[0])
    return (state[0] + xp.astype(xp.take(data[0], rows, axis=0), state[0].dtype),)


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("k", [1, 4, 7])
@pytest.mark.parametrize("stored", ["bool", "int8", "uint8"])
def test_bytes_are_cast_on_the_way(stored, k, dtype):
    data = np.random.default_rng(0).integers(-3, 250, (9, k)).astype(stored)
    run = Run(Own(of_bytes), (np.zeros((3, k), dtype),), (data,), ROWS)
    for backwards in (False, True):
        (found,) = run.after(emulator(reverse=backwards)[0].scan, 1, 3)
        np.testing.assert_array_equal(found, run.eagerly()[0])


def test_a_cast_is_in_the_text_where_there_is_one():
    given = (dense(0, 3, 8), 2, 9, None, INDEX)
    cast = gather(*given, DTYPES["uint8"])
    assert "const unsigned char* const from" in cast.text
    assert "((float)x[u])" in cast.text
    assert gather(*given, FLOAT).text == gather(*given).text


def dense(offset, *shape, dtype=FLOAT):
    return Place(0, dtype, (), ()).reshaped(shape)._replace(offset=offset)


def test_what_is_read_is_told_but_for_what_is_found_by_its_slot():
    out, indices = dense(0, 3, 8), dense(512, 3, dtype=INDEX)
    by_slot = gather(out, 2, 9, None, INDEX)
    assert (by_slot.reads, by_slot.writes) == ((), (out.span,))
    source = dense(1024, 9, 8)
    by_place = gather(out, source, 9, indices, INDEX)
    assert by_place.reads == (source.span, indices.span)
    assert by_place.arguments == (0, 1024, 512)
    assert pick(indices).writes == (indices.span,)


@pytest.mark.parametrize(("k", "threads"), [(8, 6), (7, 21)])
def test_a_thread_takes_four_numbers_of_a_row_where_these_come_out_even(k, threads):
    assert gather(dense(0, 3, k), 2, 9, None, INDEX).items == threads
