"""Arrays one behind the other, as a kernel joins them."""

import numpy as np
import pytest

import bpx
from bpx.program.operation import DTYPES
from bpx_backends.engines.cuda.joins import joined
from bpx_backends.engines.cuda.layout import Place
from tests.engines.cuda.steps import Own, Run, emulator

FLOAT = DTYPES["float32"]
ROWS = np.array([[1, 0, 2], [3, 3, 0]], "int32")


def beside(state, data, rows):
    """Matrices side by side: dense, a part of one, a transposed one."""
    xp = bpx.namespace(data[0])
    x = xp.take(data[0], rows, axis=0)
    wide = xp.concat([x, x[:, 1:3], (2 * x[:, :3]).mT, x[:, :1]], axis=1)
    return (state[0] + wide,)


def below(state, data, rows):
    xp = bpx.namespace(data[0])
    x = xp.take(data[0], rows, axis=0)
    tall = xp.concat([x[:, 2:], (3 * x[:, :2]), x[1:2, :2]], axis=0)
    return (state[0] + tall,)


def in_a_row(state, data, rows):
    xp = bpx.namespace(data[0])
    x = xp.take(data[0], rows, axis=0)
    return (state[0] + xp.concat([x[0, :], x[:, 1], x[2, ::2]]),)


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize(
    ("function", "shape"), [(beside, (3, 10)), (below, (7, 2)), (in_a_row, (9,))]
)
def test_each_part_is_where_it_belongs(function, shape, dtype):
    data = (np.arange(16).reshape(4, 4).astype(dtype),)
    run = Run(Own(function), (np.zeros(shape, dtype),), data, ROWS)
    for backwards in (False, True):
        (found,) = run.after(emulator(reverse=backwards)[0].scan, 1, 2)
        np.testing.assert_array_equal(found, run.eagerly()[0])


@pytest.mark.parametrize("function", [beside, below, in_a_row])
def test_no_call_of_the_library_is_left_so_that_a_graph_can_hold_it(function):
    shape = {beside: (3, 10), below: (7, 2), in_a_row: (9,)}[function]
    data = (np.zeros((4, 4), "float32"),)
    assert Run(Own(function), (np.zeros(shape, "float32"),), data, ROWS).scheduled().capturable


def test_all_that_it_touches_is_told():
    def dense(offset, *shape):
        return Place(offset, FLOAT, (), ()).reshaped(shape)._replace(offset=offset)

    out, one, other = dense(0, 2, 5), dense(256, 2, 3), dense(512, 2, 2)
    found = joined([one, other], out, 1)
    assert (found.reads, found.writes) == ((one.span, other.span), (out.span,))
    assert found.arguments == (0, 256, 512)
    assert found.items == 6
