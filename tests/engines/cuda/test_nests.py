"""Loops that need one another: in which order, and in which launches."""

import numpy as np
import pytest

import bpx
from bpx_backends.engines.cuda.nests import launches
from tests.engines.cuda.functions import loops
from tests.engines.cuda.steps import STEPS, Own, Run, by_view, check


def swapped(state, data, rows):
    p, q = state
    return q * 2.0, p + 1.0


def transposed(state, data, rows):
    w, u = state
    return 0.5 * w + 0.1 * w.mT, 0.5 * u + w.mT


def row_by_row(state, data, rows):
    # A number of each row is read by its elements, and overwritten when these are done.
    xp = bpx.namespace(data[0])
    x, v = xp.take(data[0], rows, axis=0), xp.take(data[1], rows, axis=0)
    m = xp.max(x, axis=1, keepdims=True)
    s, e = v * m, (x - m) + v
    c = (e * s).mT @ e
    return 0.5 * state[0] + c[:3, :3], 0.5 * state[1] + s[:3] * m[:3].mT


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("function", [swapped, transposed, by_view, row_by_row])
def test_memory_is_read_before_it_is_overwritten(function):
    rng = np.random.default_rng(0)
    state = tuple(rng.random((3, 3)) for _ in range(2))
    data = rng.random((20, 6)), rng.random((20, 1))
    rows = rng.integers(0, 20, (STEPS, 8)).astype("int32")
    check(Run(Own(function), state, data, rows))


def along_and_across(state, data, rows):
    # A vector is added to each row, and gets of each row one number.
    xp = bpx.namespace(data[0])
    x = xp.take(data[0], rows, axis=0) + state[0]
    return state[0] - 0.1 * xp.max(x, axis=1), state[1] + xp.mean(x, axis=1)


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("k", [6, 40])
def test_a_vector_that_rows_read_is_overwritten_after_them(k):
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 20, (STEPS, k)).astype("int32")
    check(
        Run(Own(along_and_across), (rng.random(k), rng.random(k)), (rng.random((20, k)),), rows)
    )


def ordered(function, *arrays):
    """The numbers of functions in each launch of that step's loops."""
    return [len(each.functions) for each in launches(loops(function, *arrays))]


def test_loops_that_need_none_of_each_other_are_one_launch():
    x, y = np.ones((3, 4), "float32"), np.ones(7, "float32")
    assert ordered(lambda x, y: [x * 2.0, y + 1.0], x, y) == [2]


def test_a_loop_that_needs_anothers_sums_is_a_launch_after_it():
    def centred(x):
        return [x - bpx.namespace(x).max(x, axis=0)]

    assert ordered(centred, np.ones((30, 4), "float32")) == [1, 1]


def test_what_is_done_for_each_row_joins_the_rows_that_it_needs():
    def logarithm_of_sums(x):
        xp = bpx.namespace(x)
        return [xp.log(xp.sum(x, axis=1)) * 2.0]

    assert len(loops(logarithm_of_sums, np.ones((30, 4), "float32"))) == 2
    assert ordered(logarithm_of_sums, np.ones((30, 4), "float32")) == [1]


@pytest.mark.parametrize(("k", "count"), [(32, 1), (33, 2)])
def test_long_rows_and_the_sums_of_their_columns_are_two_loops(k, count):
    def both(x):
        xp = bpx.namespace(x)
        return [xp.sum(x / xp.sum(x, axis=1, keepdims=True), axis=0)]

    found = loops(both, np.ones((5, k), "float32"))
    assert len(found) == count
    assert found[-1].columns
    assert not any(each.columns and each.by_rows for each in found if k > 32)


def test_parts_of_a_nest_that_share_nothing_are_loops_of_their_own():
    x, y = np.ones((3, 4), "float32"), np.ones((3, 4), "float32")
    assert len(loops(lambda x, y: [x * 2.0, y + 1.0], x, y)) == 2
    assert len(loops(lambda x, y: [x * y, x + 1.0], x, y)) == 2
    assert len(loops(lambda x, y: [x * y, x * y + 1.0], x, y)) == 1
