"""Learning rates that fall: beside Optax's and PyTorch's."""

import numpy as np
import pytest

import bpx
from bpx.optim import (
    Epochs,
    exponential_decay,
    linear_schedule,
    polynomial_schedule,
    step_decay,
)
from tests.optim.schedules.rates import assert_same_rates, by_optax, by_pytorch, rates

AS_OPTAX = {
    "falling": (
        exponential_decay(0.3, steps=7, rate=0.8),
        lambda o: o.exponential_decay(0.3, 7, 0.8),
    ),
    "rising": (
        exponential_decay(0.3, steps=7, rate=1.2, end=0.5),
        lambda o: o.exponential_decay(0.3, 7, 1.2, end_value=0.5),
    ),
    "to an end": (
        exponential_decay(0.3, steps=3, rate=0.5, end=0.01),
        lambda o: o.exponential_decay(0.3, 3, 0.5, end_value=0.01),
    ),
    "staircase": (
        exponential_decay(0.3, steps=7, rate=0.8, staircase=True),
        lambda o: o.exponential_decay(0.3, 7, 0.8, staircase=True),
    ),
    "step": (
        step_decay(0.3, every=7, factor=0.8),
        lambda o: o.exponential_decay(0.3, 7, 0.8, staircase=True),
    ),
    "linear": (
        linear_schedule(0.3, end=0.1, steps=13),
        lambda o: o.linear_schedule(0.3, 0.1, 13),
    ),
    "warmup": (
        linear_schedule(0.0, end=0.4, steps=13),
        lambda o: o.linear_schedule(0.0, 0.4, 13),
    ),
    "polynomial": (
        polynomial_schedule(0.3, end=0.1, power=2.5, steps=13),
        lambda o: o.polynomial_schedule(0.3, 0.1, 2.5, 13),
    ),
}


@pytest.mark.parametrize("name", AS_OPTAX)
def test_each_is_optax_s_at_every_step(target, name):
    ours, make = AS_OPTAX[name]
    assert_same_rates(ours, by_optax(make, 30), target)


AS_PYTORCH = {
    "StepLR": (step_decay(0.3, every=7), lambda t, d: t.StepLR(d, 7)),
    "ExponentialLR": (
        exponential_decay(0.3, steps=1, rate=0.9),
        lambda t, d: t.ExponentialLR(d, 0.9),
    ),
    "LinearLR": (
        linear_schedule(0.1, end=0.3, steps=5),
        lambda t, d: t.LinearLR(d, start_factor=1 / 3, total_iters=5),
    ),
    "PolynomialLR": (
        polynomial_schedule(0.3, power=2.0, steps=20),
        lambda t, d: t.PolynomialLR(d, 20, power=2.0),
    ),
}


@pytest.mark.parametrize("name", AS_PYTORCH)
def test_each_is_pytorchs_at_every_step(name):
    ours, make = AS_PYTORCH[name]
    assert_same_rates(ours, by_pytorch(make))


def test_in_epochs():
    """Of 10 steps each, five of them."""
    pairs = (
        (step_decay(0.3, every=Epochs(2)), step_decay(0.3, every=20)),
        (exponential_decay(0.3, rate=0.9), exponential_decay(0.3, rate=0.9, steps=10)),
        (linear_schedule(0.3), linear_schedule(0.3, steps=50)),
        (polynomial_schedule(0.3, power=2.0), polynomial_schedule(0.3, power=2.0, steps=50)),
    )
    for one, other in pairs:
        assert rates(one, 60) == rates(other, 60)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("rising", exponential_decay(0.1, steps=3, rate=1.5, end=2.0)),
        ("falling", exponential_decay(0.1, rate=0.5)),
        ("step", step_decay(0.1, every=Epochs(3))),
        ("linear", linear_schedule(0.1)),
        ("polynomial", polynomial_schedule(0.1, power=3.0)),
    ],
)
def test_other_numbers_are_the_same_compiled_step(name, other):
    assert bpx.SGD(other).update is bpx.SGD(AS_OPTAX[name][0]).update


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: step_decay(0.1, every=0), "every=0 .* a whole number"),
        (lambda: step_decay(0.1, every=None), "every=None .* a whole number"),
        (lambda: exponential_decay(0.1, rate=0.0), "rate=0.0 .* a positive number"),
        (lambda: exponential_decay(0.1, rate=0.9, end=0.5), "end=0.5 .* falls .* at most 0.1"),
        (lambda: exponential_decay(0.1, rate=1.1, end=0.05), "rises from 0.1; .* at least 0.1"),
        (lambda: exponential_decay(0.1, rate=1.0, end=0.05), "rises from 0.1; .* at least 0.1"),
        (lambda: polynomial_schedule(0.1, power=0.0), "power=0.0 .* a positive number"),
    ],
)
def test_they_refuse(make, message):
    with pytest.raises(bpx.InputError, match=message):
        make()


def test_a_rising_exponential_goes_in_equal_ratios():
    found = np.array(rates(exponential_decay(1e-6, rate=1e7, steps=49), 50))
    np.testing.assert_allclose(found[1:] / found[:-1], 1e7 ** (1 / 49), rtol=1e-12)
    assert found[-1] == pytest.approx(10.0)
