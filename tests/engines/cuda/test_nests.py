"""Loops that need one another: in which order, and in which launches."""

import numpy as np
import pytest

import bpx
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
