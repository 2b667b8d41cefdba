"""Stretches in chunks: their length, the sums of them, the states that are kept."""

import numpy as np
import pytest

import bpx
from bpx.program.contract import eager
from bpx.training import chunks
from bpx.training.batches import Shuffled
from bpx.training.records import Sums
from bpx.training.start import first_state
from bpx.training.step import Data, TrainingStep
from tests.backends import host
from tests.training.small import SETTINGS, network, samples


def test_chunks_do_not_change_the_result(target, monkeypatch):
    x, y = samples()
    results = []
    for seconds in (0.5, 0.0):  # as many steps as fit, or one at a time
        monkeypatch.setattr(chunks, "CHUNK_SECONDS", seconds)
        seen, net = [], network(target)
        net.fit(x, y, progress=seen.append, compile=target.value.compile, **SETTINGS)
        results.append([host(w) for w in net.weights])
    assert len(seen) == 3 * 5
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


class Engine:
    """`eager`, which writes down what it was asked for."""

    def __init__(self):
        self.calls = []

    def __call__(self, step, state, data, rows, start, stop, donate=False):
        self.calls.append((start, stop, donate))
        return eager(step, state, data, rows, start, stop)


@pytest.fixture
def run(monkeypatch):
    """Twenty steps, of one sample each, through an engine for which no chunk is too long."""
    monkeypatch.setattr(chunks, "CHUNK_SECONDS", 1e6)
    net, engine, told = network(dtype="float64"), Engine(), []
    arrived = Data(*samples(20))
    step = TrainingStep(net.spec, bpx.SGD(0.5).update, "argmax")
    batches = Shuffled(net.home, step, arrived, 1, seed=0, shuffle=False, drop_last=False)

    def run(pace=3):
        state = first_state(net.spec, net.parameters, net.feedback, bpx.SGD(0.5))
        found = chunks.Chunks(engine, "argmax", told.append)
        found.pace.steps = pace
        (stretch,) = batches(1).stretches
        return *found(state, stretch, Sums(1, 20, 0.0)), engine.calls, told

    return run


def test_the_first_chunk_is_one_step_and_the_next_are_longer_by_eight_times_at_most(run):
    *_, calls, _ = run(pace=1)
    assert [(start, stop) for start, stop, _ in calls] == [(0, 1), (1, 9), (9, 20)]


def test_only_what_nobody_else_has_is_donated(run, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK_SECONDS", 0.0)
    *_, calls, _ = run()
    assert [donate for *_, donate in calls] == [False] + 17 * [True]


def test_a_state_that_is_kept_is_not_donated(run, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK_SECONDS", 0.0)
    monkeypatch.setattr(chunks, "KEPT_SECONDS", -1.0)
    *_, calls, _ = run()
    assert not any(donate for *_, donate in calls)


def test_the_sums_are_taken_to_the_host_in_parts(run, monkeypatch):
    state, whole, *_ = run()
    monkeypatch.setattr(chunks, "SUM_STEPS", 3)
    again, parts, calls, told = run()
    assert calls[-1][:2] == (18, 20)
    assert (parts.samples, parts.hits) == (20, whole.hits)
    assert parts.cost == pytest.approx(whole.cost, rel=1e-12)
    assert [each.samples for each in told[-3:]] == [15, 18, 20]
    np.testing.assert_array_equal(again.parameters.w[0], state.parameters.w[0])


@pytest.mark.parametrize("kept", [5.0, -1.0])
def test_a_divergence_is_found_from_the_state_that_was_kept_last(monkeypatch, kept):
    monkeypatch.setattr(chunks, "KEPT_SECONDS", kept)
    x, y = samples()
    x[30] = 1e25
    net = network(output="identity", hidden="identity")
    settings = {**SETTINGS, "batch_size": 1, "optimizer": bpx.SGD(1e-3)}
    with pytest.raises(bpx.DivergenceError) as error:
        net.fit(x, np.eye(3)[y], **settings, shuffle=False)
    assert (error.value.epoch, error.value.step) == (1, 31)
