"""The learning rates of a schedule, step by step, and those of its peers."""

import numpy as np
import pytest

import bpx
from bpx.optim.schedules.lengths import Length, settled
from bpx.program.contract import leaves, rebuilt
from tests.backends import host

LENGTH = Length(10, 50)

EVERY = bpx.optim.join_schedules(
    [
        bpx.optim.linear_warmup(
            bpx.optim.exponential_decay(0.3, rate=0.5, steps=3, end=0.2), steps=2
        ),
        bpx.optim.sgdr_schedule(0.3, period=1, factor=2),
        bpx.optim.step_decay(0.3, every=1, factor=0.5),
        bpx.optim.piecewise_constant_schedule(0.1, {1: 2.0}),
        bpx.optim.polynomial_schedule(0.3, power=1.5, steps=9),
        bpx.optim.cosine_onecycle_schedule(0.3, steps=5),
        bpx.optim.linear_onecycle_schedule(0.3, steps=5),
        bpx.optim.reduce_on_plateau(0.1),
    ],
    [3, 5, 6, 7, 8, 9, 10],
)
"""Every rate function, within 12 steps."""


def rate(schedule, t, target=None, dtype="float64", length=LENGTH):
    """The learning rate at t, of numbers as they are in the state."""
    made = target.asarray if target else np.asarray
    numbers = settled(schedule.numbers, length)
    arrays = rebuilt(numbers, [made([each], dtype) for each in leaves(numbers)])
    found = schedule.rate(made([t], dtype), arrays)
    assert tuple(found.shape) == (1,)
    assert str(found.dtype).rpartition(".")[2] == dtype
    return float(host(found)[0])


def rates(schedule, steps, target=None, **how):
    return [rate(schedule, t, target, **how) for t in range(steps)]


def by_optax(make, steps):
    """The values of the schedule that ``make(optax)`` returns."""
    optax = pytest.importorskip("optax", reason="Optax is not installed")
    import jax

    with jax.enable_x64(True):
        schedule = make(optax)
        return [float(schedule(np.float64(t))) for t in range(steps)]


def by_pytorch(make, steps=30):
    """The learning rates of ``make(lr_scheduler, optimizer)``, from 0.3."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    descent = torch.optim.SGD([torch.zeros(1)], lr=0.3)
    schedule, found = make(torch.optim.lr_scheduler, descent), []
    for _ in range(steps):
        found += schedule.get_last_lr()
        descent.step()
        schedule.step()
    return found


def assert_same_rates(schedule, expected, target=None, **how):
    found = rates(schedule, len(expected), target, **how)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)
