"""Plans of small steps, run by NumPy's functions."""

from typing import NamedTuple

import numpy as np

import bpx
from bpx.program.fusion import can_fuse
from bpx.program.plan import plan
from bpx.program.record import record
from bpx_backends.engines.numpy.replay import prepare, replay

ROWS = np.array([[1, 0], [2, 2], [0, 1]], "int32")


def recorded(step, state, data=()):
    """The program of ``step(xp, state, data, rows) -> state``."""
    return record(lambda s, d, r: step(bpx.namespace(r), s, d, r), state, data, ROWS[0])


def numbers(*shapes):
    rng = np.random.default_rng(0)
    return tuple(rng.integers(-4, 5, shape).astype("float64") for shape in shapes)


class Ran(NamedTuple):
    """A plan of single operations, whose three steps came to what the eager ones come to."""

    plan: object

    @property
    def places(self):
        """The indices of the states that are written in place."""
        return sorted(self.plan.states.values())

    @property
    def names(self):
        return [each.name for each in self.plan.instructions]


def ran(step, *shapes, data=(), state=None):
    """Three steps with the ufuncs: in the first the state that enters is another array."""
    state, data = state or numbers(*shapes), numbers(*data)
    planned = plan(recorded(step, state, data))
    kept = [each.copy() for each in state]
    found = replay(prepare(planned), state, data, ROWS, 0, len(ROWS))
    for was, now in zip(kept, state, strict=True):
        np.testing.assert_array_equal(was, now)
    expected = state
    for rows in ROWS:
        expected = step(np, expected, data, rows)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
    return Ran(planned)


def kernels(step, *shapes):
    return plan(recorded(step, numbers(*shapes)), can_fuse)
