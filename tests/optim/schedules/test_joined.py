"""Schedules of schedules: one after another, and after a warmup."""

import numpy as np
import pytest

import bpx
from bpx.optim import (
    Epochs,
    constant_schedule,
    cosine_decay_schedule,
    exponential_decay,
    join_schedules,
    linear_schedule,
    linear_warmup,
    warmup_cosine,
)
from bpx.optim.schedules.lengths import Length
from tests.optim.schedules.rates import assert_same_rates, by_optax, rate, rates


def test_joined_schedules_are_optax_s(target):
    def make(o):
        parts = [
            o.linear_schedule(0.0, 0.4, 5), o.cosine_decay_schedule(0.4, 12),
            o.exponential_decay(0.1, 4, 0.5),
        ]  # fmt: skip
        return o.join_schedules(parts, [5, 20])

    parts = [
        linear_schedule(0.0, end=0.4, steps=5), cosine_decay_schedule(0.4, steps=12),
        exponential_decay(0.1, steps=4, rate=0.5),
    ]  # fmt: skip
    assert_same_rates(join_schedules(parts, [5, 20]), by_optax(make, 30), target)


def test_a_part_of_the_whole_training_ends_where_the_next_begins():
    """Of 50 steps, in epochs of 10."""
    parts = [linear_schedule(0.0, end=0.4), constant_schedule(0.4), cosine_decay_schedule(0.4)]
    found = rates(join_schedules(parts, [Epochs(1), 25]), 60)
    np.testing.assert_allclose(found[:10], np.linspace(0.0, 0.4, 11)[:10])
    assert found[10:25] == [0.4] * 15
    assert found[25:] == rates(cosine_decay_schedule(0.4, steps=25), 35)


def test_joined_within_joined():
    inner = join_schedules([linear_schedule(0.1), cosine_decay_schedule(0.2)], [20])
    outer = join_schedules([constant_schedule(0.3), inner], [10])
    assert rates(outer, 60)[10:] == rates(inner, 50, length=Length(10, 40))
    assert rate(outer, 30) == 0.2
    assert rate(outer, 50) == 0.0


def test_a_warmup_rises_in_equal_steps(target):
    found = rates(linear_warmup(0.4, steps=4), 7, target)
    np.testing.assert_allclose(found, [0.1, 0.2, 0.3, 0.4, 0.4, 0.4, 0.4])


def test_the_schedule_after_a_warmup_begins_there():
    found = rates(linear_warmup(cosine_decay_schedule(0.4, end=0.1), steps=Epochs(2)), 60)
    np.testing.assert_allclose(found, rates(warmup_cosine(0.4, warmup=20, end=0.1), 60))
    falling = exponential_decay(0.4, rate=0.5)
    assert rates(linear_warmup(falling, steps=5), 30)[5:] == rates(falling, 25)


def test_a_warmup_that_leaves_no_step():
    with pytest.raises(bpx.InputError, match="begins 10 steps after the end of the training"):
        rate(linear_warmup(cosine_decay_schedule(0.4), steps=60), 0)
    with pytest.raises(bpx.InputError, match="begins 0 steps after the end of the training"):
        rate(linear_warmup(cosine_decay_schedule(0.4), steps=50), 0)
    assert rate(linear_warmup(cosine_decay_schedule(0.4), steps=49), 48) == 0.4


def test_other_numbers_are_the_same_compiled_step():
    one, other = (linear_warmup(cosine_decay_schedule(r), steps=4) for r in (0.1, 0.2))
    assert bpx.Adam(one).update is bpx.Adam(other).update
    one, other = (
        join_schedules([constant_schedule(r), cosine_decay_schedule(r)], [at])
        for r, at in ((0.1, 5), (0.2, 6))
    )
    assert bpx.Adam(one).update is bpx.Adam(other).update


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: join_schedules([], []), r"schedules=\[\] was given"),
        (lambda: join_schedules([0.1], []), r"schedules=\[0.1\] was given"),
        (lambda: join_schedules(constant_schedule(0.1), []), "; expected a list of schedules"),
        (lambda: join_schedules(5, []), "schedules=5 was given; expected a list of schedules"),
        (lambda: join_schedules(iter([]), []), r"schedules=<list_iterator.* expected a list"),
        (lambda: join_schedules([constant_schedule(0.1)] * 2, "5"), r"boundaries='5' .* for 2"),
        (lambda: join_schedules([constant_schedule(0.1)], [5]), r"boundaries=\[5\] .* for 1"),
        (lambda: join_schedules([constant_schedule(0.1)] * 2, [None]), r"boundaries=\[None\]"),
        (
            lambda: join_schedules([constant_schedule(0.1)] * 2, None),
            "boundaries=None .* for 2",
        ),
        (lambda: join_schedules([constant_schedule(0.1)] * 3, [6, 5]), "ascending steps"),
        (lambda: join_schedules([constant_schedule(0.1)] * 2, [0]), "boundaries=0"),
        (lambda: linear_warmup(0.0, steps=5), "eta=0.0 was given"),
        (lambda: linear_warmup(0.1, steps=0), "steps=0 was given"),
        (lambda: linear_warmup(0.1, steps=None), "steps=None was given"),
    ],
)
def test_they_refuse(make, message):
    with pytest.raises(bpx.InputError, match=message):
        make()
