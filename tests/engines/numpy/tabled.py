"""Tables of small steps, for a BLAS that is never called."""

import numpy as np

from bpx.program.plan import plan
from bpx_backends.engines.numpy import kinds
from bpx_backends.engines.numpy.blas import Blas
from bpx_backends.engines.numpy.bound import Bound, Workers
from bpx_backends.engines.numpy.replay import prepare
from bpx_backends.engines.numpy.table import WIDTH, table
from tests.program.planned import ROWS, recorded

BLAS = Blas("stand-in", 7, 8)


def bound(step, state, data=(), rewritten=lambda program: program):
    """A plan bound to arrays: what `replay` makes before the first step."""
    planned = prepare(plan(rewritten(recorded(step, state, data))))
    program = planned.plan.program
    picked = np.empty(program.rows.shape, np.intp if planned.only_gathers else ROWS.dtype)
    inputs = dict(zip(program.data, data, strict=True)) | {program.rows: picked}
    fresh = [np.empty(v.shape, v.dtype.name) for v in program.outputs]
    scratch = np.empty(planned.plan.scratch, np.uint8)
    return Bound(planned, inputs, list(state), fresh, scratch, Workers(None, 1))


def instructions(step, state, data=(), rows=ROWS, **settings):
    """The instructions of a step, and what Python is asked for."""
    made = table(bound(step, state, data, **settings), rows, BLAS)
    found, asked = made.rows, made.asked
    assert found.shape[1] == WIDTH
    assert [i for i, kind in enumerate(found[:, 0]) if kind == kinds.ASK] == [*asked]
    return found, found[:, 0].tolist()
