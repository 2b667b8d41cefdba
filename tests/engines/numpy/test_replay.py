"""Plans replayed with NumPy: whose memory it is, and which calls are made."""

import numpy as np
import pytest

import bpx
from bpx.program.plan import plan
from bpx.program.record import record
from bpx_backends.engines.numpy.bound import Given
from bpx_backends.engines.numpy.replay import prepare, replay
from tests.program.planned import ROWS, numbers, recorded


def test_what_is_given_back_is_nobody_elses():
    (x,) = numbers((3,))
    planned = prepare(
        plan(recorded(lambda xp, s, d, r: (xp.ones_like(s[0]) * 2.0, s[0]), (x, x)))
    )
    first, _ = replay(planned, (x, x), (), ROWS, 0, 1)
    first[...] = 7.0
    again, kept = replay(planned, (x, x), (), ROWS, 0, 1)
    np.testing.assert_array_equal(again, np.full(3, 2.0))
    assert not np.shares_memory(kept, x)


def moved(donate):
    """The state that entered, and the one after three steps."""
    state = numbers((3,), (3,))
    planned = prepare(plan(recorded(lambda xp, s, d, r: (s[0] + s[1], s[1] * 2.0), state)))
    return state, replay(planned, state, (), ROWS, 0, 3, donate)


def test_a_donated_state_is_worked_on_where_it_is():
    entered, found = moved(donate=True)
    assert all(one is other for one, other in zip(entered, found, strict=True))
    kept, expected = moved(donate=False)
    for one, other, before in zip(found, expected, kept, strict=True):
        np.testing.assert_array_equal(one, other)
        assert not np.shares_memory(other, before)


@pytest.mark.parametrize(("steps", "donate"), [(1, False), (3, False), (3, True)])
def test_a_plan_is_bound_once_a_call(steps, donate, monkeypatch):
    """Whether its first step reads the state that was given, or a copy of it."""
    made, bind = [], Given.bound
    monkeypatch.setattr(Given, "bound", lambda self: made.append(self) or bind(self))
    state = numbers((3,), (3,))
    expected = [state[0] + (2**steps - 1) * state[1], 2**steps * state[1]]
    planned = prepare(plan(recorded(lambda xp, s, d, r: (s[0] + s[1], s[1] * 2.0), state)))
    found = replay(planned, state, (), ROWS, 0, steps, donate)
    assert len(made) == 1
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_constants_are_computed_when_a_plan_is_prepared():
    def step(xp, s, d, r):
        return (s[0] + xp.arange(3, dtype=xp.float64) * 2.0,)

    ready = prepare(plan(recorded(step, numbers((3,)))))
    values = [value.tolist() for value in ready.constants.values()]
    assert values[-1] == [0.0, 2.0, 4.0]
    assert not ready.kernels


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8"])
def test_rows_that_are_more_than_indices_are_of_their_own_dtype(dtype):
    rows, data = ROWS.astype(dtype), (np.arange(3.0),)
    state = numbers((2,))[0], rows[0]

    def step(xp, s, d, r):
        return s[0] + xp.take(d[0], r, axis=0), s[1] + r * 100

    program = record(lambda s, d, r: step(bpx.namespace(r), s, d, r), state, data, rows[0])
    _, last = replay(prepare(plan(program)), state, data, rows, 0, 3)
    assert last.dtype == dtype
    np.testing.assert_array_equal(last, rows[0] + 100 * rows.sum(axis=0, dtype=dtype))
