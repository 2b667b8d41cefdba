"""Numbers that follow a schedule: lengths that a training knows, and costs that it follows."""

import pytest

import bpx
from bpx.optim.scaling import learning_rate
from bpx.optim.scheduled import heeded, lasting, watching
from bpx.optim.schedules.lengths import Length
from tests.optim.descents import parameters

OPEN = bpx.optim.cosine_decay_schedule(0.3)


def test_a_length_of_the_training_becomes_steps():
    optimizer = bpx.optim.chain(bpx.optim.clip_by_global_norm(1.0), bpx.Adam(OPEN))
    made = lasting(optimizer, Length(5, 20))
    assert made.update is optimizer.update
    assert made.init(parameters()).schedule.steps.tolist() == [20.0]
    assert made.transformations[:2] == optimizer.transformations[:2]
    closed = bpx.Adam(bpx.optim.cosine_decay_schedule(0.3, steps=7))
    assert lasting(closed, Length(5, 20)) is closed
    assert lasting(bpx.SGD(0.1), Length(None, None)).eta == 0.1


def test_without_a_training_it_is_refused():
    message = r"the schedule of Cosine.*only bpx.train and fit know; give its length"
    with pytest.raises(bpx.InputError, match=message):
        bpx.SGD(OPEN).init(parameters())
    assert lasting(bpx.SGD(OPEN), None).init(parameters()).schedule.steps.tolist() == [1.0]


def test_the_cost_of_an_epoch_changes_the_numbers_that_follow_it():
    p, falling = parameters(), bpx.optim.reduce_on_plateau(0.3, factor=0.5, patience=0)
    optimizer = bpx.optim.chain(bpx.optim.momentum(0.9), bpx.SGD(falling))
    state = optimizer.init(p)
    for cost, eta in ((1.0, 0.3), (2.0, 0.15), (0.5, 0.15)):
        state = heeded(state, cost)
        assert learning_rate(optimizer, state).tolist() == [eta]
    assert state.schedule.best.tolist() == [0.5]
    plain = bpx.Adam(OPEN)
    state = lasting(plain, Length(5, 20)).init(p)
    assert heeded(state, 1.0) is state
    assert watching(optimizer)
    assert not watching(plain)
    assert not watching(bpx.SGD(0.1))


# A momentum


def cycled(**lengths):
    rate = bpx.optim.cosine_onecycle_schedule(0.5, **lengths)
    return bpx.SGD(rate, bpx.optim.cosine_onecycle_momentum(**lengths))


def test_every_schedule_of_an_optimizer_lasts_as_long_as_the_training():
    made = lasting(cycled(), Length(5, 20))
    assert made.update is cycled(steps=3).update
    state = made.init(parameters())
    assert [part.schedule.steps.tolist() for part in state.parts] == [[20.0], [20.0]]
    assert [part.steps.tolist() for part in state.parts] == [[0], [0]]
    with pytest.raises(bpx.InputError, match="give its length as a number of steps"):
        cycled().init(parameters())


def test_a_momentum_may_follow_the_cost_too():
    falling = bpx.optim.reduce_on_plateau(0.9, factor=0.5, patience=0)
    optimizer = bpx.SGD(0.1, falling)
    assert watching(optimizer)
    state = optimizer.init(parameters())
    for cost in (1.0, 2.0):
        state = heeded(state, cost)
    assert state.parts[1].schedule.eta.tolist() == [0.45]
    assert learning_rate(optimizer, state).tolist() == [0.1]
