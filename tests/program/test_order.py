"""Which states are written over, and what must come before."""

import pytest

from bpx.program.fusion import can_fuse
from bpx.program.plan import plan
from tests.program.planned import numbers, ran, recorded


def test_a_state_is_updated_in_place():
    this = ran(lambda xp, s, d, r: (s[0] - 0.5 * d[0],), (3,), data=[(3,)])
    assert this.places == [0]
    assert this.plan.copies == ()
    assert this.names == ["multiply", "subtract"]


def test_who_reads_the_old_state_comes_before_it_is_written():
    this = ran(
        lambda xp, s, d, r: (s[0] + 1.0, s[1] + 2.0 * s[0], s[2] * s[0]), (3,), (3,), (3,)
    )
    assert this.places == [0, 1, 2]
    assert this.names.index("multiply") < this.names.index("add")
    assert this.names[-1] == "add"


def test_who_needs_the_new_state_reads_it_where_it_is():
    this = ran(lambda xp, s, d, r: (s[0] + 1.0, s[1] * (s[0] + 1.0)), (3,), (3,))
    assert this.places == [0, 1]
    assert this.names == ["add", "multiply"]
    assert this.plan.scratch == 0


def test_a_state_that_is_read_after_it_must_be_written_is_copied_at_the_end():
    """What replaces it is needed by one that reads the old one."""
    this = ran(lambda xp, s, d, r: (s[0] * 2.0, s[1] + s[0] * (s[0] * 2.0)), (3,), (3,))
    assert this.places == [1]
    ((index, _),) = this.plan.copies
    assert index == 0


def test_two_states_that_are_exchanged():
    this = ran(lambda xp, s, d, r: (s[1], s[0]), (3,), (3,))
    assert this.names == ["copy", "copy"]
    assert len(this.places) == len(this.plan.copies) == 1


def test_states_that_rotate():
    this = ran(lambda xp, s, d, r: (s[1], s[2] + 1.0, s[0] * 2.0), (3,), (3,), (3,))
    assert len(this.places) + len(this.plan.copies) == 3
    assert this.plan.copies


def test_a_state_that_stays_is_neither_written_nor_copied():
    this = ran(lambda xp, s, d, r: (s[0], s[1] + s[0]), (3,), (3,))
    assert this.places == [1]
    assert this.plan.copies == ()
    assert this.plan.program.outputs[0] is this.plan.program.state[0]


NOT_IN_PLACE = {
    "a transpose of itself": (lambda xp, s, d, r: (s[0] + s[0].mT,), (3, 3)),
    "itself back to front": (lambda xp, s, d, r: (s[0] - s[0][::-1],), (4,)),
    "a reduction of itself": (
        lambda xp, s, d, r: (xp.sum(s[0], axis=0, keepdims=True),),
        (1, 3),
    ),
    "a product with itself": (lambda xp, s, d, r: (s[0] @ s[0],), (2, 2)),
    "rows of itself": (
        lambda xp, s, d, r: (xp.take(s[0], xp.arange(1, -1, -1, dtype=xp.int32), axis=0),),
        (2, 3),
    ),
}


@pytest.mark.parametrize("name", NOT_IN_PLACE)
def test_what_reads_itself_otherwise_than_element_by_element_is_not_in_place(name):
    this = ran(*NOT_IN_PLACE[name])
    assert this.places == []
    assert [index for index, _ in this.plan.copies] == [0]


IN_PLACE = {
    "add": (lambda xp, s, d, r: (s[0] + s[0],), (3,)),
    "maximum": (lambda xp, s, d, r: (xp.maximum(d[0], s[0]),), (3,)),
    "with what is broadcast": (lambda xp, s, d, r: (s[0] * d[0],), (2, 3)),
    "a product of others": (lambda xp, s, d, r: (d[0][None, :].mT @ d[0][None, :],), (3, 3)),
    "a sum of others": (lambda xp, s, d, r: (xp.sum(d[0][None, :] * 2.0, axis=0),), (3,)),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_what_is_in_place(name):
    assert ran(*IN_PLACE[name], data=[(3,)]).places == [0]


WHERE = {
    "the state if true": lambda xp, s, d, r: (xp.where(d[0] > 0.0, s[0], d[1]),),
    "the state if false": lambda xp, s, d, r: (xp.where(d[0] > 0.0, d[1], s[0]),),
    "the state, or a number": lambda xp, s, d, r: (xp.where(d[0] > 0.0, s[0], -1.0),),
    "a number, or the state": lambda xp, s, d, r: (xp.where(d[0] > 0.0, -1.0, s[0]),),
}


@pytest.mark.parametrize("name", WHERE)
def test_a_choice_of_the_state_or_another(name):
    ran(WHERE[name], (3,), data=[(3,), (3,)])


@pytest.mark.parametrize("name", WHERE)
def test_in_a_kernel_a_choice_is_written_over_the_state_and_alone_it_is_not(name):
    """A kernel goes element by element; NumPy's `where` writes one side before it reads."""
    state, data = numbers((3,)), numbers((3,), (3,))
    for fuses, states, copies in ((can_fuse, [0], []), (lambda op: False, [], [0])):
        planned = plan(recorded(WHERE[name], state, data), fuses)
        assert list(planned.states.values()) == states
        assert [i for i, _ in planned.copies] == copies


def test_a_reduction_is_not_written_over_what_others_still_read():
    def step(xp, s, d, r):
        return (xp.max(xp.maximum(d[0], s[0]), axis=0),)

    assert ran(step, (3,), data=[(2, 3)]).places == []


def test_what_is_gathered_from_lives_until_it_is():
    def step(xp, s, d, r):
        two = d[0] * 2.0
        last = xp.take(two, xp.arange(2, -1, -1, dtype=xp.int32), axis=0)
        return (s[0] + two - 3.0 * last,)

    ran(step, (3, 2), data=[(3, 2)])


def test_one_number_of_an_array_is_read_at_every_step():
    ran(lambda xp, s, d, r: (s[0] * s[1][0][None] + s[2][1, 0], s[1] + 1.0, s[2] - 1.0),
        (3,), (2,), (2, 2))  # fmt: skip


def test_indices_of_ones_own_may_count_from_the_end():
    def step(xp, s, d, r):
        return s[0] + xp.take(d[0], xp.arange(-2, 0, dtype=xp.int32), axis=0), s[1] + 1.0

    ran(step, (2,), (1,), data=[(5,)])


def test_the_old_state_is_read_through_a_view_before_it_is_written():
    def step(xp, s, d, r):
        return s[0] + 1.0, s[1] + s[0][:, None], s[2] @ xp.reshape(s[0], (1, 3)).mT + s[2]

    this = ran(step, (3,), (3, 2), (3, 3))
    assert 0 in this.places
