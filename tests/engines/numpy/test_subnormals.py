"""Subnormal numbers: 0 inside a block, in its thread and those it starts, and nowhere else."""

from concurrent.futures import ThreadPoolExecutor
from itertools import chain, repeat

import numpy as np
import pytest

import bpx
from bpx.program.contract import leaves
from bpx_backends.engines.numpy import subnormals
from bpx_backends.engines.numpy.subnormals import can_flush, flushed

pytestmark = pytest.mark.skipif(
    not can_flush(), reason="subnormal numbers are flushed on Linux, on x86-64, alone"
)


def half(dtype="float32"):
    """Half of the smallest normal number, and twice that: 0, both, if such numbers are 0."""
    smallest = np.full(64, np.finfo(dtype).smallest_normal)
    below = smallest * smallest.dtype.type(0.5)
    return below + below


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_they_are_zero_inside_the_block_alone(dtype):
    assert half(dtype).all()
    with flushed():
        assert not half(dtype).any()
        with flushed():
            assert not half(dtype).any()
        assert not half(dtype).any()
    assert half(dtype).all()


def test_operands_are_zero_too():
    below = np.full(64, np.finfo("float32").smallest_normal) * np.float32(0.5)
    with flushed():
        assert not (below * np.float32(4.0)).any()


def test_an_error_ends_it():
    with pytest.raises(ZeroDivisionError), flushed():
        raise ZeroDivisionError
    assert half().all()


@pytest.mark.parametrize("call", [1, 2])
def test_an_interruption_after_either_call_ends_it(monkeypatch, call):
    fegetenv, fesetenv = subnormals._functions()
    calls = []

    def interrupted(environment):
        fesetenv(environment)
        calls.append(environment)
        if len(calls) == call:
            raise KeyboardInterrupt

    monkeypatch.setattr(subnormals, "_functions", lambda: (fegetenv, interrupted))
    with pytest.raises(KeyboardInterrupt), flushed():
        assert not half().any()
    assert half().all()


def test_threads_that_it_starts_do_so_too():
    with ThreadPoolExecutor(1) as earlier:
        assert earlier.submit(half).result().all()
        with flushed(), ThreadPoolExecutor(1) as inside:
            assert not inside.submit(half).result().any()
            assert earlier.submit(half).result().all()


def test_elsewhere_nothing_changes(monkeypatch):
    monkeypatch.setattr(subnormals, "_functions", lambda: None)
    assert not can_flush()
    with flushed():
        assert half().all()


@pytest.mark.parametrize("machine", [("darwin", "x86_64"), ("linux", "aarch64")])
def test_other_machines_have_no_such_register(monkeypatch, machine):
    monkeypatch.setattr(subnormals.sys, "platform", machine[0])
    monkeypatch.setattr(subnormals.platform, "machine", lambda: machine[1])
    assert subnormals._functions.__wrapped__() is None


class State:
    """The arrays of the state after an epoch."""

    name = "state"

    def __call__(self, state, data, epoch):
        self.arrays = [np.array(each) for each in leaves(state)]


def test_moments_of_what_no_sample_reaches_do_not_become_subnormal():
    state, x, y = State(), np.zeros((4, 3), "float32"), [0, 1, 0, 1]
    x[:, 0] = 0.1, 0.2, 0.3, 0.4
    steps = chain([(np.eye(3, dtype="float32")[[1] * 4], y[:4])], repeat((x, y), 1300))
    net = bpx.Network([3, 4, 2], hidden="tanh", seed=0, backend="numpy", dtype="float32")
    how = {"epochs": 1, "steps_per_epoch": 1301, "optimizer": bpx.Adam(), "observers": [state]}
    list(bpx.train(net, batches=steps, **how))
    smallest = np.finfo("float32").smallest_normal
    found = [np.abs(each) for each in state.arrays if each.shape == (4, 3)]
    assert any((each[:, 1] < 1e-36).all() for each in found)
    assert not any(((each > 0.0) & (each < smallest)).any() for each in found)
    assert half().all()
