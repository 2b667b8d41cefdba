"""One cycle, beside Optax's; that of the momentum, beside PyTorch's."""

import pytest

import bpx
from bpx.optim import (
    Epochs,
    cosine_onecycle_momentum,
    cosine_onecycle_schedule,
    linear_onecycle_momentum,
    linear_onecycle_schedule,
)
from tests.optim.schedules.rates import assert_same_rates, by_optax, rate, rates


def test_a_cycle_of_cosines_is_optax_s(target):
    expected = by_optax(lambda o: o.cosine_onecycle_schedule(40, 0.5), 50)
    assert_same_rates(cosine_onecycle_schedule(0.5, steps=40), expected, target)
    expected = by_optax(lambda o: o.cosine_onecycle_schedule(40, 0.5, 0.25, 10.0, 100.0), 50)
    shape = {"pct_start": 0.25, "div_factor": 10.0, "final_div_factor": 100.0}
    assert_same_rates(cosine_onecycle_schedule(0.5, steps=40, **shape), expected, target)


def test_a_cycle_of_lines_is_optax_s(target):
    expected = by_optax(lambda o: o.linear_onecycle_schedule(40, 0.5), 50)
    assert_same_rates(linear_onecycle_schedule(0.5, steps=40), expected, target)


@pytest.mark.parametrize("cycle", [cosine_onecycle_schedule, linear_onecycle_schedule])
def test_the_places_of_its_ends(cycle):
    found = rates(cycle(0.5), 60)
    assert found[0] == pytest.approx(0.5 / 25.0)
    assert max(found) == found[15] == pytest.approx(0.5)
    assert found[50:] == [pytest.approx(0.5 / 25.0 / 1e4)] * 10
    assert found == rates(cycle(0.5, steps=Epochs(5)), 60) == rates(cycle(0.5, steps=50), 60)


@pytest.mark.parametrize("cycle", [cosine_onecycle_schedule, linear_onecycle_schedule])
def test_a_part_that_is_no_whole_number_of_steps(cycle):
    """0.3 of 7 steps: both parts meet between two steps, below the peak."""
    found = rates(cycle(0.5, steps=7), 10)
    assert max(found) < 0.5
    assert found[0] < found[1] < found[2] > found[3] > found[4]
    assert rate(cycle(0.5, steps=1), 0) == pytest.approx(0.5 / 25.0)


def by_pytorch(**how):
    """The momentum of each of 41 steps; its cycle ends one step earlier than its length."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    descent = torch.optim.SGD([torch.zeros(1)], lr=0.3, momentum=0.5)
    cycle, found = torch.optim.lr_scheduler.OneCycleLR(descent, 0.3, 41, **how), []
    for step in range(41):
        found.append(descent.param_groups[0]["momentum"])
        descent.step()
        if step < 40:
            cycle.step()
    return found


def test_the_momentum_is_pytorchs(target):
    expected = by_pytorch(pct_start=13 / 41)  # it is lowest at step 12 of 40
    assert_same_rates(cosine_onecycle_momentum(steps=40), expected, target)
    expected = by_pytorch(pct_start=21 / 41, max_momentum=0.9, base_momentum=0.5)
    shape = {"steps": 40, "pct_start": 0.5}
    assert_same_rates(cosine_onecycle_momentum(0.9, 0.5, **shape), expected, target)
    expected = by_pytorch(pct_start=13.4 / 41)  # its lowest lies between two steps
    assert_same_rates(cosine_onecycle_momentum(steps=40, pct_start=0.31), expected, target)
    # Of three phases, the last one is at the highest momentum: here from step 24 on.
    expected = by_pytorch(pct_start=13 / 41, anneal_strategy="linear", three_phase=True)
    found = linear_onecycle_momentum(steps=40, pct_final=0.6)
    assert_same_rates(found, expected, target)


def test_the_momentum_is_lowest_where_the_rate_is_highest():
    pairs = (
        (cosine_onecycle_schedule(0.5), cosine_onecycle_momentum()),
        (linear_onecycle_schedule(0.5), linear_onecycle_momentum()),
    )
    for eta, mu in pairs:
        eta, mu = eta.preview(50), mu.preview(50)
        assert eta.index(max(eta)) == mu.index(min(mu)) == 15
        assert (mu[0], min(mu)) == (pytest.approx(0.95), pytest.approx(0.85))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"high": 1.0}, r"high=1.0 was given; expected a number in \[0, 1\)"),
        ({"low": 0.96}, r"low=0.96 was given; expected a number in \[0, 0.95\]"),
        ({"pct_start": 1.0}, "pct_start=1.0"),
        ({"steps": 0}, "steps=0"),
    ],
    ids=str,
)
@pytest.mark.parametrize("cycle", [cosine_onecycle_momentum, linear_onecycle_momentum])
def test_a_momentum_that_is_refused(cycle, settings, message):
    with pytest.raises(bpx.InputError, match=message):
        cycle(**settings)


def test_other_numbers_are_the_same_compiled_step():
    for cycle in (cosine_onecycle_schedule, linear_onecycle_schedule):
        assert bpx.SGD(cycle(0.1)).update is bpx.SGD(cycle(0.2, steps=9)).update


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"peak": 0.0}, "peak=0.0"),
        ({"pct_start": 0.0}, "pct_start=0.0"),
        ({"pct_final": 0.3}, r"pct_final=0.3 .* \(0.3, 1\)"),
        ({"div_factor": 0.5}, "div_factor=0.5"),
        ({"final_div_factor": 0.5}, "final_div_factor=0.5"),
        ({"steps": 0}, "steps=0"),
    ],
    ids=str,
)
def test_they_refuse(settings, message):
    with pytest.raises(bpx.InputError, match=message):
        linear_onecycle_schedule(**{"peak": 0.1, **settings})
