"""Schedules along a cosine: the numbers, step by step, beside Optax's and PyTorch's."""

from math import cos, inf, nan, pi

import numpy as np
import pytest

import bpx
from bpx.optim import Epochs, cosine_decay_schedule, sgdr_schedule, warmup_cosine
from tests.optim.schedules.rates import LENGTH, assert_same_rates, by_optax, rate, rates

WARMUP, STEPS, PEAK, END = 4, 12, 0.5, 0.1
SCHEDULE = warmup_cosine(PEAK, warmup=WARMUP, steps=STEPS, end=END)


def by_hand(t, peak=PEAK, warmup=WARMUP, steps=STEPS, end=END):
    if t < warmup:
        return peak * (t + 1) / warmup
    if t >= steps:
        return end
    return end + 0.5 * (peak - end) * (1.0 + cos(pi * (t - warmup) / (steps - warmup)))


@pytest.mark.parametrize("t", [0, 1, WARMUP - 1, WARMUP, 8, STEPS - 1, STEPS, STEPS + 50])
def test_warmup_cosine_is_its_formula(target, t):
    assert rate(SCHEDULE, t, target) == pytest.approx(by_hand(t), rel=1e-14)
    assert rate(SCHEDULE, t, target, "float32") == pytest.approx(by_hand(t), rel=1e-5)


def test_the_ends_of_its_parts():
    assert rate(SCHEDULE, 0) == pytest.approx(PEAK / WARMUP)
    assert {rate(SCHEDULE, t) for t in (WARMUP - 1, WARMUP)} == {PEAK}
    assert rate(SCHEDULE, STEPS - 2) > rate(SCHEDULE, STEPS - 1) > END
    assert {rate(SCHEDULE, t) for t in (STEPS, 10 * STEPS)} == {END}


def test_without_warmup_it_begins_at_the_peak():
    straight = warmup_cosine(0.3, warmup=0, steps=10)
    rates = [rate(straight, t) for t in range(12)]
    assert rates[0] == 0.3
    assert rates == sorted(rates, reverse=True)
    assert rates[5] == pytest.approx(0.15)
    assert rates[10:] == [0.0, 0.0]


def test_a_schedule_is_a_value():
    assert warmup_cosine(PEAK, warmup=WARMUP, steps=STEPS, end=END) == SCHEDULE
    assert hash(SCHEDULE) == hash(warmup_cosine(PEAK, warmup=WARMUP, steps=STEPS, end=END))
    assert warmup_cosine(PEAK, warmup=WARMUP, steps=STEPS) != SCHEDULE
    assert SCHEDULE.rate is warmup_cosine(1.0, warmup=0, steps=1).rate


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"peak": 0.0}, "peak=0.0 .* a positive number"),
        ({"peak": inf}, "peak=inf .* a positive number"),
        ({"peak": None}, "peak=None .* a positive number"),
        ({"end": -0.1}, r"end=-0.1 .* a number in \[0, 0.5\]"),
        ({"end": 0.6}, r"end=0.6 .* a number in \[0, 0.5\]"),
        ({"end": nan}, r"end=nan .* a number in \[0, 0.5\]"),
        ({"warmup": -1}, "warmup=-1 .* a whole number of at least 0"),
        ({"warmup": 1.5}, "warmup=1.5 .* a whole number of at least 0"),
        ({"steps": 0}, "steps=0 .* a whole number of at least 1"),
        ({"steps": 4}, "steps=4 was given; expected more than warmup=4"),
        ({"steps": 12.0}, "steps=12.0 .* a whole number of at least 1"),
    ],
    ids=str,
)
def test_warmup_cosine_refuses(settings, message):
    with pytest.raises(bpx.InputError, match=message):
        warmup_cosine(**{"peak": PEAK, "warmup": WARMUP, "steps": STEPS, **settings})


def test_the_whole_training_and_epochs_of_a_warmup():
    by_epochs = warmup_cosine(PEAK, warmup=Epochs(2), end=END)
    by_steps = warmup_cosine(PEAK, warmup=20, steps=50, end=END)
    assert rates(by_epochs, 60) == rates(by_steps, 60)
    for warmup, steps in [(Epochs(5), 50), (1000, 1000)]:
        said = (
            f"a warmup of {steps} steps was given, but the training has 50; .* longer training"
        )
        with pytest.raises(bpx.InputError, match=said):
            rate(warmup_cosine(PEAK, warmup=warmup), 0)
    with pytest.raises(bpx.InputError, match="50 steps was given, but the schedule has 40"):
        rate(warmup_cosine(PEAK, warmup=Epochs(5), steps=40), 0)


def test_a_cosine_is_optax_s(target):
    expected = by_optax(lambda o: o.cosine_decay_schedule(0.3, 20, alpha=0.1), 30)
    assert_same_rates(cosine_decay_schedule(0.3, steps=20, end=0.03), expected, target)


def test_a_cosine_over_the_whole_training():
    expected = by_optax(lambda o: o.cosine_decay_schedule(0.3, 50), 60)
    assert_same_rates(cosine_decay_schedule(0.3), expected)
    assert rate(cosine_decay_schedule(0.3), LENGTH.total - 1) > 0.0
    assert rate(cosine_decay_schedule(0.3), LENGTH.total) == 0.0


def test_a_warmup_before_it_is_warmup_cosine():
    both = bpx.optim.linear_warmup(cosine_decay_schedule(PEAK, steps=8, end=END), steps=WARMUP)
    np.testing.assert_allclose(rates(both, 20), rates(SCHEDULE, 20), rtol=1e-14)


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_restarts_are_optax_s(target, factor):
    lengths = [6 * factor**i for i in range(3)]

    def make(optax):
        kwargs = {"init_value": 0.4, "peak_value": 0.4, "warmup_steps": 0, "end_value": 0.05}
        return optax.sgdr_schedule([{**kwargs, "decay_steps": each} for each in lengths])

    expected = by_optax(make, sum(lengths))
    restarts = sgdr_schedule(0.4, period=6, factor=factor, end=0.05)
    assert_same_rates(restarts, expected, target)


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_restarts_are_pytorchs(factor):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    descent = torch.optim.SGD([torch.zeros(1)], lr=0.4)
    kind = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts
    other = kind(descent, T_0=7, T_mult=factor, eta_min=0.05)
    expected = []
    for _ in range(200):
        expected += other.get_last_lr()
        descent.step()
        other.step()
    assert_same_rates(sgdr_schedule(0.4, period=7, factor=factor, end=0.05), expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("period", "factor"), [(1, 2), (3, 2), (7, 3), (10, 5), (1000, 10)])
def test_each_period_begins_at_the_peak(target, dtype, period, factor):
    restarts, begin = sgdr_schedule(0.5, period=period, factor=factor), 0
    for i in range(4):
        assert rate(restarts, begin, target, dtype) == 0.5
        begin += period * factor**i
        assert rate(restarts, begin - 1, target, dtype) < 0.5 or period * factor**i == 1


def test_periods_in_epochs():
    assert rates(sgdr_schedule(0.4, period=Epochs(1)), 30) == rates(
        sgdr_schedule(0.4, period=10), 30
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: cosine_decay_schedule(0.0), "start=0.0 .* a positive number"),
        (lambda: cosine_decay_schedule(0.1, end=0.2), r"end=0.2 .* a number in \[0, 0.1\]"),
        (lambda: cosine_decay_schedule(0.1, steps=0), "steps=0 .*bpx.optim.Epochs"),
        (lambda: cosine_decay_schedule(0.1, steps=2.5), "steps=2.5 .* a whole number"),
        (lambda: sgdr_schedule(0.1, period=0), "period=0 .* a whole number of at least 1"),
        (lambda: sgdr_schedule(0.1, period=None), "period=None .* a whole number"),
        (lambda: sgdr_schedule(0.1, period=2, factor=0), "factor=0 .* a whole number"),
        (lambda: sgdr_schedule(0.1, period=2, factor=1.5), "factor=1.5 .* a whole number"),
    ],
)
def test_they_refuse(make, message):
    with pytest.raises(bpx.InputError, match=message):
        make()
