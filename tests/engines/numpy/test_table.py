"""What the driver has an instruction for, and what Python is asked for."""

import numpy as np
import pytest

from bpx_backends.engines.numpy import kinds
from bpx_backends.engines.numpy.calls import Call
from bpx_backends.engines.numpy.table import Layout, Unable, are_apart, table
from tests.engines.numpy.tabled import BLAS, bound, instructions
from tests.program.planned import ROWS, numbers


@pytest.mark.parametrize(
    ("dtype", "kind"), [("int32", kinds.PICK_32), ("int64", kinds.PICK_64)]
)
def test_rows_are_picked_by_the_indices_as_they_are(dtype, kind):
    (x,), rows = numbers((9, 5)), ROWS.astype(dtype)
    found, names = instructions(
        lambda xp, s, d, r: (xp.take(d[0], r, axis=0),), (x[:2],), (x,), rows
    )
    assert names == [kind]
    assert found[0, 2:6].tolist() == [x.ctypes.data, 5 * 8, 2, 0]


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_some_of_the_indices_are_some_of_the_rows(dtype):
    (x,), rows = numbers((9, 5)), ROWS.astype(dtype)
    found, names = instructions(
        lambda xp, s, d, r: (xp.take(d[0], r[1:], axis=0),), (x[:1],), (x,), rows
    )
    assert names[0] in (kinds.PICK_32, kinds.PICK_64)
    assert found[0, 4:6].tolist() == [1, rows.dtype.itemsize]


def test_rows_that_are_more_than_indices_are_copied_first():
    def step(xp, s, d, r):
        return (s[0] + xp.astype(r, xp.float64),)

    assert instructions(step, numbers((2,)))[1][0] == kinds.ROWS


def test_python_is_asked_for_what_has_no_instruction():
    def step(xp, s, d, r):
        return xp.astype(s[0] > 0.0, xp.float64), s[0]

    made = table(bound(step, numbers((4,), (4,))), ROWS, BLAS)
    found, asked = made.rows, made.asked
    assert set(found[:, 0]) <= {kinds.ASK, kinds.COPY}
    assert asked
    assert all(isinstance(call, Call) for calls in asked.values() for call in calls)


@pytest.mark.parametrize(
    "rows", [ROWS.astype("uint8"), ROWS[0], np.asfortranarray(np.tile(ROWS, 2))[:, ::2]]
)
def test_other_row_indices_are_refused(rows):
    with pytest.raises(Unable, match="row indices of"):
        table(bound(lambda xp, s, d, r: (s[0] * 2.0,), numbers((3,))), rows, BLAS)


def test_arrays_are_apart_if_each_is_a_range_of_its_own():
    x, y = np.arange(8.0), np.arange(3)
    assert are_apart([x, y])
    assert are_apart([x[:4], y, x[4:]])
    assert not are_apart([x[:5], y, x[4:]])
    assert not are_apart([x, y, x])
    assert not are_apart([x[::2], y])
    assert not are_apart([x, y[:0]])


def test_a_layout_finds_the_arrays_again_and_knows_what_it_does_not():
    a, b = numbers((3, 4), (5, 4))
    made = bound(lambda xp, s, d, r: (xp.matmul(s[0], s[1].T), s[1]), (a, b))
    first = table(made, ROWS, BLAS)
    places = [a, b, made.scratch, *made.fresh]
    others = [each.copy() for each in places]
    found = Layout(first, places).at(others).rows
    product, before = found[0], first.rows[0]
    assert product[[8, 10]].tolist() == [each.ctypes.data for each in others[:2]]
    assert product[13] - others[2].ctypes.data == before[13] - made.scratch.ctypes.data
    assert product[:8].tolist() == before[:8].tolist()
    assert Layout(first, places).is_whole([])
    assert not Layout(first, [a, *places[2:]]).is_whole([])
    assert not Layout(first, [a, *places[2:]]).is_whole([np.arange(3)])
    assert Layout(first, [a, *places[2:]]).is_whole([np.arange(3), b])
