"""What is done once or not at all, and what leaves a step."""

import numpy as np
import pytest

from bpx.program.plan import plan
from bpx_backends.engines.numpy.replay import prepare, replay
from tests.program.planned import ROWS, numbers, ran, recorded

LEAVES = {
    "another state": lambda xp, s, d, r: (s[1], s[1]),
    "one result twice": lambda xp, s, d, r: (s[0] + s[1],) * 2,
    "the data": lambda xp, s, d, r: (d[0], s[1] + d[0]),
    "the rows": lambda xp, s, d, r: (s[0], s[1] + xp.astype(r[:1], xp.float64)),
    "a constant": lambda xp, s, d, r: (xp.ones_like(s[0]), xp.full_like(s[1], 3.0) * 2.0),
    "a view": lambda xp, s, d, r: (s[1][::-1], xp.reshape(s[0] * 2.0, (3, 1))[:, 0]),
    "a view of a state": lambda xp, s, d, r: (s[0][::-1], s[0] + s[1]),
    "a view of the data": lambda xp, s, d, r: (d[0][::-1], s[1] + s[0]),
    "itself, times one": lambda xp, s, d, r: (s[1] * xp.ones_like(s[1]), s[1] * 2.0),
    "another, times one": lambda xp, s, d, r: (s[1] * xp.ones_like(s[1]), s[0] + 1.0),
    "all as it was": lambda xp, s, d, r: s,
}


@pytest.mark.parametrize("name", LEAVES)
def test_outputs_of_every_kind(name):
    ran(LEAVES[name], (3,), (3,), data=[(3,)])


def test_the_rows_themselves_can_be_a_state():
    ran(lambda xp, s, d, r: (r, s[1] + r), state=(np.zeros(2, "int32"), np.ones(2, "int32")))


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


def test_constants_are_computed_once():
    def step(xp, s, d, r):
        classes = xp.arange(3, dtype=xp.float64) * 2.0 + xp.ones((3,), dtype=xp.float64)
        return (s[0] + classes[None, :],)

    this = ran(step, (2, 3))
    assert [op.name for op in this.plan.constants] == [
        "arange", "multiply", "full", "add", "getitem",
    ]  # fmt: skip
    assert this.names == ["add"]


def test_times_one_is_nothing():
    this = ran(lambda xp, s, d, r: (s[0] + d[0] * xp.ones_like(s[0]) * 3.0,), (3,), data=[(3,)])
    assert this.names == ["multiply", "add"]


@pytest.mark.parametrize(
    "step",
    [
        lambda xp, s, d, r: (s[0] + xp.ones_like(s[0]) * 3.0,),
        lambda xp, s, d, r: (s[0] + d[0][:1] * xp.ones_like(s[0]),),
        lambda xp, s, d, r: (s[0] + xp.ones_like(s[0]) * xp.ones_like(s[0]),),
        lambda xp, s, d, r: (s[0] * xp.full_like(s[0], 2.0),),
    ],
    ids=["a number", "what is broadcast", "another one", "twos"],
)
def test_times_one_stays_where_it_is_something(step):
    ran(step, (3,), data=[(3,)])


@pytest.mark.parametrize("exponent", [2, 2.0])
def test_a_power_of_two_is_a_square(exponent):
    assert ran(lambda xp, s, d, r: (s[0] ** exponent - s[0],), (3,)).names == [
        "square", "subtract",
    ]  # fmt: skip


def test_other_powers_stay():
    assert ran(lambda xp, s, d, r: (s[0] ** 3,), (3,)).names == ["pow"]


def test_views_are_no_work():
    def step(xp, s, d, r):
        return (s[0] + xp.reshape(d[0].mT, (6,))[None, :] + d[0][:, :1].mT[..., :1],)

    this = ran(step, (1, 6), data=[(2, 3)])
    # To look at a transpose in another shape is to copy it.
    assert this.names.count("reshape") == 1
    assert set(this.names) == {"reshape", "add"}
    assert {op.name for op in this.plan.views.values()} == {"getitem", "matrix_transpose"}


def test_a_view_of_a_view_has_one_root():
    this = ran(lambda xp, s, d, r: (s[0] + (s[1] * 2.0)[:, None].mT[0, :], s[1]), (3,), (3,))
    (root,) = set(this.plan.roots.values())
    assert root is this.plan.program.operations[0].result
