"""Rows that are sent to all ranks are made in the whole array, where that does no harm."""

import numpy as np
import pytest

import bpx
from bpx.arrays.parts import Parts
from bpx.program.fusion import can_fuse
from bpx.program.operation import ALL_GATHER
from bpx.program.plan import plan
from tests.arrays.test_parts import run_both
from tests.program.planned import recorded
from tests.ranked_programs import Alike

PARTS = Parts(Alike(), frozenset([(4, 3)]))
W, U = np.arange(12.0).reshape(4, 3), np.ones((4, 3))


def whole(own, like):
    return PARTS.whole((own,), (like,))[0]


INSIDE = {
    "added": lambda xp, s, d, r: (whole(s[0][:2] + 2.0, s[0]), s[1]),
    "made of others": lambda xp, s, d, r: (whole(s[1][:2] * 2.0, s[0]), s[1]),
    "of a view": lambda xp, s, d, r: (whole((s[0] @ s[1].mT)[:2, :3] + s[0][:2], s[0]), s[1]),
    "what is read before": lambda xp, s, d, r: (whole(s[0][:2] + 2.0, s[0]), s[1] + s[0]),
}
ELSEWHERE = {
    "of other rows": lambda xp, s, d, r: (whole(s[0][1:3] + 2.0, s[0]), s[1]),
    "read afterwards": lambda xp, s, d, r: (
        whole(s[0][:2] + 2.0, s[0]),
        s[1] + xp.sum((s[0][:2] + 2.0) * s[0][2:]),
    ),
    "another's state": lambda xp, s, d, r: (s[0] * 2.0, s[1] + whole(s[0][:2] + 2.0, s[0])),
    "a view itself": lambda xp, s, d, r: (whole(s[0][:2], s[0]), s[1]),
    "a choice": lambda xp, s, d, r: (
        whole(xp.where(s[1][:2] > 1, s[0][:2], 2.0 * s[0][:2]), s[0]),
        s[1],
    ),
}


def sent_from(planned):
    (op,) = [op for op in planned.program.operations if op.name == ALL_GATHER]
    return op.values[0]


@pytest.mark.parametrize("fuses", [can_fuse, lambda _: False], ids=["kernels", "single"])
@pytest.mark.parametrize("name", [*INSIDE, *ELSEWHERE])
def test_where_rows_are_made(name, fuses):
    planned = plan(recorded({**INSIDE, **ELSEWHERE}[name], (W, U)), fuses)
    part = sent_from(planned)
    root = planned.roots.get(part)
    assert (root in planned.states) == (name in INSIDE)
    assert (part in planned.offsets) == (root is None)


@pytest.mark.parametrize("name", [*INSIDE, *ELSEWHERE])
def test_steps_come_to_the_same(name):
    step = {**INSIDE, **ELSEWHERE}[name]
    run_both(lambda s, d, r: step(bpx.namespace(r), s, d, r), (W, U), ())
