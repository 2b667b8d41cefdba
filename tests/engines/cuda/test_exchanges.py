"""Where the sums over the ranks are in the arena: one vector, and what is copied there."""

import numpy as np

import bpx
from bpx.arrays.ranks import summed
from bpx.program.instructions import Exchange
from bpx.program.plan import plan
from bpx.program.record import record
from bpx_backends.engines.cuda.exchanges import copies, vector
from bpx_backends.engines.cuda.layout import lay_out
from bpx_backends.engines.cuda.schedule import fuses
from tests.ranks import communicators

(ALONE,) = communicators(1)
ROWS = np.zeros(2, "int32")


def planned(step, *state):
    made = plan(record(step, state, (), ROWS), fuses)
    (exchange,) = [each for each in made.instructions if isinstance(each, Exchange)]
    return made, lay_out(made), exchange


def test_sums_are_where_their_arrays_are_computed_side_by_side():
    def step(state, data, rows):
        xp = bpx.namespace(rows)
        dw, db = summed(ALONE, (state[0] @ state[0], xp.sum(state[0] * 3.0, axis=0)))
        return state[0] - dw, state[1] - db

    made, layout, exchange = planned(step, np.ones((5, 5), "float32"), np.ones(5, "float32"))
    assert not list(copies(layout, exchange))
    whole = vector(made, layout, exchange)
    first, second = (layout.places[v] for v in exchange.writes)
    assert whole.span == (first.offset, second.offset + 20)
    assert second.offset == first.offset + 128  # of 100 bytes, at a multiple of 64
    assert (whole.shape, whole.strides, whole.dtype.name) == ((37,), (1,), "float32")
    assert whole.offset >= sum(layout.places[v].size for v in made.program.state)


def test_what_is_read_again_is_copied_to_the_place_of_its_sum():
    def step(state, data, rows):
        own = state[0] * 2.0
        (total,) = summed(ALONE, (own,))
        return (own + total * 0.5,)

    made, layout, exchange = planned(step, np.ones((3, 2)))
    (op,) = exchange.operations
    own, total = layout.places[op.values[0]], layout.places[op.result]
    assert list(copies(layout, exchange)) == [(own, total)]
    assert vector(made, layout, exchange) == total.reshaped((6,))
