"""Where arrays are in the arena: each in its place, and views on the memory that they view."""

from itertools import combinations

import numpy as np
import pytest

import bpx
from bpx.program.operation import DTYPES, Operation, Value
from bpx.program.plan import plan
from bpx.program.record import record
from bpx_backends.engines.cuda.items import overlap
from bpx_backends.engines.cuda.layout import ALIGNMENT, DATA, Layout, Place, lay_out, viewed
from bpx_backends.engines.cuda.schedule import fuses
from tests.engines.cuda.steps import Own, training

DOUBLE = DTYPES["float64"]


def laid_out(run):
    planned = plan(record(run.step, run.state, run.data, run.rows[0]), fuses)
    return planned, lay_out(planned)


def test_what_is_alive_for_a_whole_step_shares_no_memory():
    planned, layout = laid_out(training((6, 5, 4), optimizer=bpx.Adam(), decay=0.1))
    lasting = [*layout.state, *(layout.places[op.result] for op in planned.constants)]
    assert len(lasting) > 10
    assert not any(overlap([a.span], [b.span]) for a, b in combinations(lasting, 2))
    for place in lasting:
        assert place.offset % ALIGNMENT == 0
        assert place.contiguous
    assert max(end for place in layout.places.values() for end in place.span) <= layout.size


def test_scratch_is_beside_what_lasts():
    planned, layout = laid_out(training((6, 5, 4)))
    lasting = [place.span for place in layout.state]
    scratch = [layout.places[value].span for value in planned.offsets]
    assert scratch
    assert not overlap(scratch, lasting)


def test_data_that_are_gathered_from_alone_stay_where_they_are():
    def step(state, data, rows):
        x, whole = data
        xp = bpx.namespace(x)
        return (state[0] + xp.take(x, rows, axis=0) + xp.sum(whole),)

    data = np.zeros((9, 2)), np.zeros(3)
    program = record(Own(step), (np.zeros((2, 2)),), data, np.zeros(2, "int32"))
    layout = lay_out(plan(program, fuses))
    gathered, whole = program.data
    assert layout.slots == {gathered: DATA}
    assert layout.staged == {1: layout.places[whole]}
    assert gathered not in layout.places
    assert program.rows not in layout.places


KEYS = {
    "a row": 1,
    "the last column": (slice(None), -1),
    "every other one": (slice(None), slice(None, None, 2)),
    "back to front": (slice(None, None, -1), slice(None)),
    "from the end": (slice(-2, None), slice(None, -1)),
    "new axes": (None, slice(None), None, 2),
    "the ellipsis": (..., 0),
    "nothing of it": (slice(2, 2), slice(None)),
    "one number": (2, 3),
}


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_a_view_is_on_the_memory_that_numpys_is(key, turned):
    memory = np.arange(24.0)
    x, base = memory[4:].reshape(4, 5), Place(32, DOUBLE, (4, 5), (5, 1))
    if turned:
        x = x.T
        base = viewed(base, Operation("matrix_transpose", (), Value((5, 4), DOUBLE)))
    seen = x[key]
    place = viewed(base, Operation("getitem", (), Value(seen.shape, DOUBLE), (("key", key),)))
    found = np.ndarray(
        place.shape, "float64", memory, place.offset, [8 * step for step in place.strides]
    )
    np.testing.assert_array_equal(found, seen)


def test_the_bytes_of_a_place_are_all_that_it_reaches():
    assert Place(64, DOUBLE, (2, 3), (3, 1)).span == (64, 64 + 48)
    assert Place(64, DOUBLE, (3, 2), (1, 3)).span == (64, 64 + 48)
    assert Place(64, DOUBLE, (3,), (-1,)).span == (48, 72)
    assert Place(64, DOUBLE, (2, 2), (10, 2)).span == (64, 64 + 8 * 13)


def test_a_place_without_gaps():
    assert Place(0, DOUBLE, (2, 3), (3, 1)).contiguous
    assert Place(0, DOUBLE, (1, 3), (7, 1)).contiguous  # the step over one row is never made
    assert not Place(0, DOUBLE, (3, 2), (1, 3)).contiguous
    assert not Place(0, DOUBLE, (2, 3), (4, 1)).contiguous


def test_what_is_reserved_comes_after_all_else():
    layout = Layout()
    first, second = (layout.reserve((3,), DTYPES["float32"]) for _ in range(2))
    assert (first.offset, second.offset, layout.size) == (0, ALIGNMENT, 2 * ALIGNMENT)
