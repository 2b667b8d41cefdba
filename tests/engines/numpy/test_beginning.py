"""Short trainings without numba: which steps begin so, and that they keep their bits."""

import copy
import logging

import numpy as np
import pytest

import bpx
from bpx.program.contract import after
from bpx_backends.engines.numpy import beginning
from bpx_backends.engines.numpy.beginning import CALL, ELEMENT, SHORT, UNIT, Beginning, seconds
from bpx_backends.engines.numpy.native import steps as counted
from tests.engines.numpy.processes import needs_numba, run
from tests.network.resuming.cases import SETTINGS as CUT
from tests.network.resuming.cases import cut_off, same_records, same_state
from tests.peers import random_samples
from tests.training.small import network as small
from tests.training.small import samples

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
def test_single_steps_have_the_bits_of_epochs():
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
@pytest.mark.parametrize("plain", [23.5, 3.5, 1.5])
def test_the_step_at_which_the_cost_becomes_infinite_is_found(plain, monkeypatch):
    """The sixth: before numba takes over, or after it has."""
    monkeypatch.setattr(beginning, "SHORT", plain)
    found = []
    for compiled in (True, False):
        net = bpx.Network([4, 7, 3], seed=0, backend="numpy", hidden="relu", output="identity")
        x, y = random_samples(net, 40)
        settings = {"epochs": 99, "batch_size": 6, "optimizer": bpx.SGD(0.02), "seed": 0}
        with pytest.raises(bpx.DivergenceError) as error:
            net.fit(10.0 * x, y, compile=compiled, **settings)
        found.append((error.value.epoch, error.value.step, error.value.layer))
    assert found[0] == found[1]
    assert found[0][:2] == (1, 6)


@needs_numba
@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("moment", [1, 8, 12])
@pytest.mark.parametrize("kind", ["arrays", "stream", "accumulated"])
def test_a_training_that_is_cut_off_within_an_epoch_keeps_its_bits(kind, moment, tmp_path):
    """Checkpoints are after 2 steps of an epoch's 10; numba takes over at step 24 of 30."""
    settings = {"accumulate": 2} if kind == "accumulated" else {}
    x, y = samples()
    data = bpx.data.stream(x, y, block=5, window=12) if kind == "stream" else (x, y)
    expected = bpx.train(small(dropout=0.2), data, **CUT, **settings)
    history = expected.finish()
    cut_off(moment, tmp_path, data=data, every="2 steps", **settings)
    resumed = bpx.resume(tmp_path, data)
    found = []
    assert driven(lambda: found.append(resumed.finish())) == 7
    same_records(found[0], history)
    same_state(resumed, expected)


@needs_numba
@pytest.mark.usefixtures("short")
def test_a_range_of_learning_rates_crosses_over_once():
    net, samples = network()
    given = {"batch_size": 6, "optimizer": bpx.Adam(), "seed": 0, "steps": 60}
    assert driven(lambda: bpx.learning_rate_range(net, samples, **given)) == 60 - 23


@needs_numba
@pytest.mark.usefixtures("short")
def test_the_variable_is_read_when_training_starts(monkeypatch):
    net, (x, y) = network()
    trainer = bpx.Trainer(net, **SETTINGS)
    trainer.step(x[:6], y[:6])
    for word in ("off", "perhaps"):
        monkeypatch.setenv("BPX_NUMBA", word)
        assert driven(lambda: [trainer.step(x[:6], y[:6]) for _ in range(30)]) in (8, 30)


def test_a_trainer_that_has_stepped_can_be_copied():
    net, (x, y) = network()
    trainer = bpx.Trainer(net, **SETTINGS)
    trainer.step(x, y)
    other = copy.deepcopy(trainer)
    other.step(x, y)
    trainer.step(x, y)
    assert (other.state.steps, trainer.state.steps) == (2, 2)


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
