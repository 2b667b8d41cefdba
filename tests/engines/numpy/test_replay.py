"""Plans replayed with NumPy: whose memory it is, and which calls are made."""

import numpy as np

from bpx.program.plan import plan
from bpx_backends.engines.numpy.replay import prepare, replay
from tests.planned import ROWS, numbers, recorded


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
