"""Learning rates that change: the numbers, step by step, and in training."""

from math import cos, nan, pi
from typing import Any, NamedTuple

import numpy as np
import pytest

import bpx
from bpx.optim import Schedule, warmup_cosine
from tests.optim.descents import assert_same, parameters, visited
from tests.optim.schedules.rates import EVERY, rate, rates
from tests.peers import random_samples

WARMUP, STEPS, PEAK, END = 4, 12, 0.5, 0.1
SCHEDULE = warmup_cosine(PEAK, warmup=WARMUP, steps=STEPS, end=END)


def by_hand(t, peak=PEAK, warmup=WARMUP, steps=STEPS, end=END):
    if t < warmup:
        return peak * (t + 1) / warmup
    if t >= steps:
        return end
    return end + 0.5 * (peak - end) * (1.0 + cos(pi * (t - warmup) / (steps - warmup)))


def test_it_goes_on_beyond_what_floats_of_32_bits_can_count():
    """2**24 + 1 is none of them."""
    p = parameters("float32")
    link = bpx.optim.scale_by_learning_rate(warmup_cosine(0.3, warmup=0, steps=10**9))
    state = link.init(p)._replace(steps=np.asarray([2**24], "int32"))
    for count in (1, 2, 3):
        _, state = link.update(p, state, p)
        assert state.steps.tolist() == [2**24 + count]


class Start(NamedTuple):
    start: Any


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((0.1, Start(0.1)), "rate=0.1 was given; expected a function"),
        ((by_hand, (0.1,)), r"numbers=\(0.1,\) was given; expected a named tuple"),
        ((by_hand, Start("fast")), "start='fast' was given; expected a finite number"),
        ((by_hand, Start(nan)), "start=nan was given; expected a finite number"),
    ],
)
def test_a_schedule_of_something_else_is_refused(given, said):
    with pytest.raises(bpx.InputError, match=said):
        Schedule(*given)


# In a descent and in training


@pytest.mark.parametrize("kind", [bpx.SGD, bpx.Adam, bpx.AdamW])
def test_each_step_has_the_rate_of_its_number(kind):
    p = parameters()
    scheduled, state = kind(SCHEDULE), kind(SCHEDULE).init(p)
    for t in range(STEPS + 3):
        assert float(state.steps[0]) == t
        plain = kind(by_hand(t))
        updates, after = scheduled.update(p, state, p)
        old = plain.init(p)
        if kind is not bpx.SGD:
            old = old.having(t=state.t, m=state.m, v=state.v)
        assert_same(updates, plain.update(p, old, p)[0], 1e-14)
        state = after


def trained(target, compiled, schedule=SCHEDULE, **settings):
    net = target.network([4, 6, 3], hidden="tanh", seed=0, dtype="float64")
    x, y = random_samples(net, 20)
    settings = {"epochs": 3, "batch_size": 5, "seed": 0} | settings
    net.fit(x, y, optimizer=bpx.Adam(schedule), compile=compiled, **settings)
    return net.parameters


def test_compiled_it_is_as_eager(target):
    compiled = trained(target, target.value.compile)
    eager = trained(target, compiled=False)
    assert_same(compiled, eager, 1e-13)


def test_the_count_goes_on_from_epoch_to_epoch(target):
    """12 steps in three epochs: the last one has the rate of step 11, not of step 3."""
    by_steps = trained(target, target.value.compile)
    restarted = trained(
        target, target.value.compile, warmup_cosine(PEAK, warmup=WARMUP, steps=400, end=END)
    )
    with pytest.raises(AssertionError):
        assert_same(by_steps, restarted, 1e-6)


def test_other_numbers_are_the_same_compiled_step():
    other = warmup_cosine(0.01, warmup=7, steps=1000)
    for kind in (bpx.SGD, bpx.Adam, bpx.AdamW):
        assert kind(SCHEDULE).update is kind(other).update
        assert kind(SCHEDULE).update is not kind(0.1).update
    net = bpx.Network([4, 3], seed=0)
    programs = [
        str(net.program(batch_size=5, optimizer=bpx.Adam(each))) for each in (SCHEDULE, other)
    ]
    assert programs[0] == programs[1]


class Halving(NamedTuple):
    start: Any
    steps: Any


def halve(t, numbers):
    return numbers.start * 0.5 ** (t / numbers.steps)


def test_a_schedule_of_ones_own(target):
    schedule = Schedule(halve, Halving(0.4, 5.0))
    assert rate(schedule, 10.0, target) == pytest.approx(0.1, rel=1e-12)
    assert_same(
        trained(target, target.value.compile, schedule, epochs=1),
        trained(target, False, schedule, epochs=1),
        1e-13,
    )


def test_a_schedule_that_stands_still_is_the_learning_rate():
    p = parameters()
    still = Schedule(halve, Halving(0.05, 1e300))
    assert_same(visited(bpx.SGD(still), p, 20)[-1], visited(bpx.SGD(0.05), p, 20)[-1], 1e-15)


def test_a_preview_is_what_each_step_has():
    for schedule in (SCHEDULE, EVERY, bpx.optim.cosine_decay_schedule(0.1)):
        found = schedule.preview(50, epochs=5)
        assert found == pytest.approx(rates(schedule, 50), rel=1e-14)
    assert bpx.optim.constant_schedule(0.3).preview(3) == [0.3] * 3
    rising = bpx.optim.exponential_decay(0.1, rate=10.0, end=0.5, steps=1)
    assert rising.preview(400) == [pytest.approx(0.1)] + [0.5] * 399
    by_epochs = bpx.optim.step_decay(0.3, every=bpx.optim.Epochs(1), factor=0.5)
    assert by_epochs.preview(4, epochs=2) == [0.3, 0.3, 0.15, 0.15]
