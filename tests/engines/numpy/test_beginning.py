"""Short trainings without numba: which steps begin so, and that they keep their bits."""

import logging

import numpy as np
import pytest

import bpx
from bpx.program.contract import after
from bpx_backends.engines.numpy import beginning
from bpx_backends.engines.numpy.beginning import CALL, ELEMENT, SHORT, UNIT, Beginning, seconds
from bpx_backends.engines.numpy.native import steps as counted
from tests.engines.numpy.processes import needs_numba, run
from tests.peers import random_samples

STATE = (np.zeros((5, 3)), np.zeros(5), (np.zeros(2),))
DATA, ROWS, STEP = (), np.zeros((6, 4), "int32"), object()


class Made:
    """A scan that records the engines that were made, and what each of them ran."""

    def __init__(self, *, waits=True):
        self.made, self.ran = [], []
        self.scan = Beginning(
            lambda: self._of("plain"), lambda: self._of("late"), lambda: waits
        )

    def _of(self, name):
        self.made.append(name)

        def run(step, state, data, rows, start, stop, donate=False):
            self.ran.append((name, start, stop, donate))
            return state

        return run

    def __call__(self, done, start, stop, rows=ROWS, donate=False):
        """The engines that ran, each with its rows, and whether the state was donated."""
        self.ran.clear()
        scan = after(done, self.scan)
        assert scan(STEP, STATE, DATA, rows, start, stop, donate) is STATE
        return list(self.ran)


LAST = int(SHORT / seconds(STATE, 4))
"""The number of the last plain step."""


def test_the_estimate_counts_arrays_elements_and_units():
    assert seconds(STATE, 4) == pytest.approx(3 * CALL + 22 * ELEMENT + 5 * 4 * UNIT)


@pytest.mark.parametrize("donate", [False, True])
def test_the_first_steps_run_plainly_wherever_a_chunk_ends(donate):
    made = Made()
    assert made(0, 0, 6, donate=donate) == [("plain", 0, 6, donate)]
    assert made(LAST - 6, 0, 6) == [("plain", 0, 6, False)]
    assert made(LAST - 2, 0, 6, donate=donate) == [
        ("plain", 0, 2, donate),
        ("late", 2, 6, True),
    ]
    assert made(LAST - 2, 1, 2) == [("plain", 1, 2, False)]
    assert made(LAST - 2, 3, 6, donate=donate) == [("late", 3, 6, donate)]
    assert made(10**9, 0, 6) == [("late", 0, 6, False)]
    assert made(0, 0, 1) == [("plain", 0, 1, False)]  # whatever was compiled since then
    assert made.made == ["plain", "late"]


def test_no_step_runs_no_engine():
    made = Made()
    assert made(0, 2, 2) == made(LAST, 2, 2) == []


def test_other_mini_batches_are_estimated_anew():
    made, large = Made(), np.zeros((6, 10**6), "int32")
    found = [made(LAST - 1, 0, 1, rows)[0][0] for rows in (ROWS, large, ROWS)]
    assert found == ["plain", "late", "plain"]


def test_steps_without_a_number_are_late_ones():
    made = Made()
    made.scan(STEP, STATE, DATA, ROWS, 0, 2)
    assert made.ran == [("late", 0, 2, False)]


def test_what_may_not_wait_is_compiled_from_the_first_step_on():
    made = Made(waits=False)
    assert made(0, 0, 6) == [("late", 0, 6, False)]
    assert made.made == ["late"]


def network():
    net = bpx.Network([4, 7, 3], seed=0, backend="numpy", dropout=0.2)
    return net, random_samples(net, 40)


SETTINGS = {"optimizer": bpx.Adam(), "seed": 0}
"""With mini-batches of 6, an epoch has 7 steps, of which the last one has 4 samples."""


@pytest.fixture
def short(monkeypatch):
    """Steps 1 to 23 are plain, which end within the fourth epoch."""
    monkeypatch.delenv("BPX_NUMBA")
    monkeypatch.setattr(beginning, "seconds", lambda state, batch: 1.0)
    monkeypatch.setattr(beginning, "SHORT", 23.5)


def driven(run):
    """How many steps were taken natively."""
    counted.clear()
    run()
    return sum(counted.values())


@needs_numba
@pytest.mark.usefixtures("short")
def test_numba_takes_over_at_one_step(caplog):
    net, samples = network()
    with caplog.at_level(logging.WARNING, "bpx"):
        assert not driven(lambda: net.fit(*samples, epochs=3, batch_size=6, **SETTINGS))
        net, samples = network()
        found = driven(lambda: net.fit(*samples, epochs=5, batch_size=6, **SETTINGS))
    assert found == 35 - 23
    assert not caplog.records


@needs_numba
@pytest.mark.usefixtures("short")
def test_single_steps_and_windows_have_the_bits_of_epochs():
    whole, (x, y) = network()
    history = whole.fit(x, y, epochs=5, batch_size=6, shuffle=False, **SETTINGS)
    net, _ = network()
    trainer = bpx.Trainer(net, **SETTINGS)
    for _ in history:
        for i in range(0, 40, 6):
            trainer.step(x[i : i + 6], y[i : i + 6])
    same(net, whole)


@needs_numba
@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("stop", range(1, 6))
def test_a_training_that_is_continued_keeps_its_bits(stop, tmp_path):
    """Whether it stops before numba takes over, or later."""
    whole, samples = network()
    whole.fit(*samples, epochs=6, batch_size=6, **SETTINGS)
    net, _ = network()
    net.fit(*samples, epochs=stop, batch_size=6, checkpoint=tmp_path, **SETTINGS)
    resumed = bpx.resume(tmp_path, samples, epochs=6)
    resumed.finish()
    same(resumed.network, whole)


def same(one, other):
    for ours, theirs in zip(one.weights, other.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@needs_numba
@pytest.mark.usefixtures("short")
def test_a_cost_that_becomes_infinite_is_found_among_the_first_steps():
    net = bpx.Network([4, 7, 3], seed=0, backend="numpy", output="identity")
    samples = random_samples(net, 40)
    with pytest.raises(bpx.DivergenceError) as plain:
        net.fit(*samples, epochs=5, batch_size=6, optimizer=bpx.SGD(1e9), seed=0)
    assert (plain.value.epoch, plain.value.step is None) == (1, False)


@needs_numba
@pytest.mark.usefixtures("short")
def test_what_cannot_be_recorded_is_told_of_once(caplog):
    def read(update, state, parameters):
        float(parameters.w[0][0, 0])
        return update, state

    rule = bpx.optim.chain(bpx.optim.Transformation(lambda parameters: (), read), bpx.SGD(0.1))
    net, samples = network()
    with caplog.at_level(logging.WARNING, "bpx"):
        net.fit(*samples, epochs=5, batch_size=6, optimizer=rule, seed=0)
    assert len(caplog.records) == 1


def test_a_process_with_a_short_training_does_not_import_numba():
    assert run(BPX_NUMBA="auto").stdout.split()[1] == "False"
