"""Learning rates that change at some steps only: beside Optax's and PyTorch's."""

import pytest

import bpx
from bpx.optim import Epochs, constant_schedule, piecewise_constant_schedule
from tests.optim.schedules.rates import assert_same_rates, by_optax, by_pytorch, rate, rates

CHANGES = {4: 0.5, 9: 2.0, 20: 0.1}


def test_a_constant_is_optax_s(target):
    expected = by_optax(lambda o: o.constant_schedule(0.3), 5)
    assert_same_rates(constant_schedule(0.3), expected, target)


def test_pieces_are_optax_s(target):
    expected = by_optax(lambda o: o.piecewise_constant_schedule(0.3, CHANGES), 30)
    assert_same_rates(piecewise_constant_schedule(0.3, CHANGES), expected, target)


def test_pieces_are_pytorchs():
    expected = by_pytorch(lambda schedulers, d: schedulers.MultiStepLR(d, [4, 9]))
    assert_same_rates(piecewise_constant_schedule(0.3, {4: 0.1, 9: 0.1}), expected)


def test_changes_in_epochs_of_ten_steps():
    by_epochs = piecewise_constant_schedule(0.3, {Epochs(1): 0.5, 30: 0.1})
    assert rates(by_epochs, 60) == rates(
        piecewise_constant_schedule(0.3, {10: 0.5, 30: 0.1}), 60
    )


def test_boundaries_that_ascend_only_in_numbers():
    mixed = piecewise_constant_schedule(0.3, {30: 0.5, Epochs(1): 0.1})
    with pytest.raises(bpx.InputError, match=r"changes has the boundary 10.0 after 30.0"):
        rate(mixed, 0)


def test_other_numbers_are_the_same_compiled_step():
    assert bpx.SGD(constant_schedule(0.1)).update is bpx.SGD(constant_schedule(0.2)).update
    one, other = (
        piecewise_constant_schedule(0.1, {at: 0.5, Epochs(9): 0.1}) for at in (1, Epochs(2))
    )
    assert bpx.SGD(one).update is bpx.SGD(other).update


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: constant_schedule(0.0), "eta=0.0 .* a positive number"),
        (lambda: piecewise_constant_schedule(0.1, {}), "changes={} was given"),
        (lambda: piecewise_constant_schedule(0.1, [1, 2]), r"changes=\[1, 2\] was given"),
        (lambda: piecewise_constant_schedule(0.1, {0: 0.1}), "changes=0 .* a whole number"),
        (lambda: piecewise_constant_schedule(0.1, {None: 0.1}), "changes has the step None"),
        (lambda: piecewise_constant_schedule(0.1, {5: -1.0}), "changes=-1.0 .* positive"),
        (lambda: piecewise_constant_schedule(0.1, {5: 1.0, 4: 1.0}), "ascending steps"),
    ],
)
def test_they_refuse(make, message):
    with pytest.raises(bpx.InputError, match=message):
        make()
