"""What a run writes and when, what it keeps, and how it ends when it is asked to."""

import json
import os
import signal
from time import sleep

import numpy as np
import pytest

import bpx
from bpx.io.runs import Content, Run
from bpx.network.resuming import signals
from bpx.network.resuming.keeping import Keeping
from bpx.training import chunks
from tests.network.resuming.cases import SETTINGS, cut_off, same_records, same_state
from tests.training.small import network, samples

NAMES = [name for name in ("SIGTERM", "SIGUSR1") if hasattr(signal, name)]


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK_SECONDS", 0.0)


def fit(folder, **settings):
    net = network(dropout=0.2)
    return net, net.fit(*samples(), **{**SETTINGS, "checkpoint": folder, **settings})


def states(folder):
    found = Run(folder)
    return [found.read(number) for number in reversed(found.numbers())]


def written(monkeypatch):
    """Note the place of every checkpoint: its epochs, and its steps within the next."""
    found, write = [], Keeping._write

    def noted(self, place):
        found.append((self.course.epochs, 0 if place is None else place.steps))
        return write(self, place)

    monkeypatch.setattr(Keeping, "_write", noted)
    return found


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        (None, [(0, 0), (1, 0), (2, 0), (3, 0)]),
        ("2 epochs", [(0, 0), (2, 0), (3, 0)]),
        ("4 steps", [(0, 0), (0, 4), (0, 8), (1, 2), (1, 6), (2, 0), (2, 4), (2, 8), (3, 0)]),
        ("30 steps", [(0, 0), (3, 0)]),
        ("1 h", [(0, 0), (3, 0)]),
    ],
)
@pytest.mark.parametrize("seconds", [0.0, 1e6])
def test_it_writes_at_the_beginning_when_it_is_time_and_at_the_end(
    monkeypatch, tmp_path, every, expected, seconds
):
    monkeypatch.setattr(chunks, "CHUNK_SECONDS", seconds)
    found = written(monkeypatch)
    fit(tmp_path, every=every)
    assert found == expected


def test_a_run_that_is_continued_keeps_the_rhythm(monkeypatch, tmp_path):
    cut_off(13, tmp_path, every="4 steps")  # within the second epoch
    found = written(monkeypatch)
    fit(tmp_path, every="4 steps", resume=True)
    assert found == [(1, 6), (2, 0), (2, 4), (2, 8), (3, 0)]


def test_the_newest_and_the_best_are_kept(tmp_path):
    costs = iter([0.5, 0.1, 0.4, 0.3, 0.2, 0.6, 0.7])
    original = Keeping._score
    try:
        Keeping._score = lambda self: next(costs) if self.history.records else None
        fit(tmp_path, epochs=6, keep=2)
    finally:
        Keeping._score = original
    assert [state["epoch"] for state in states(tmp_path)] == [2, 5, 6]


@pytest.mark.parametrize("held", [None, samples(12)])
def test_the_best_is_so_by_the_validation_samples_or_else_by_the_others(tmp_path, held):
    _, history = fit(tmp_path, epochs=5, keep=9, validation=held)
    scores = [state["score"] for state in states(tmp_path)]
    costs = [each.cost if held is None else each.validation.cost for each in history]
    assert scores == [None, *costs]


def test_the_best_is_remembered_by_a_run_that_is_continued(tmp_path):
    rng, (x, _) = np.random.default_rng(1), samples()
    y = rng.integers(0, 3, 40)
    held = x[:5], (y[:5] + 1) % 3  # the longer it trains, the worse
    settings = {"validation": held, "keep": 1, "optimizer": bpx.Adam(0.5)}
    net = network()
    net.fit(x, y, **{**SETTINGS, **settings, "epochs": 4, "checkpoint": tmp_path})
    settings |= {"epochs": 8, "checkpoint": tmp_path, "resume": True}
    history = net.fit(x, y, **{**SETTINGS, **settings})
    costs = [each.validation.cost for each in history]
    best = costs.index(min(costs)) + 1
    assert [state["epoch"] for state in states(tmp_path)] == sorted({best, 8})


@pytest.mark.parametrize("name", NAMES)
def test_a_signal_ends_the_run_after_a_checkpoint(name, tmp_path, caplog):
    number, handler = getattr(signal, name), signal.getsignal(getattr(signal, name))
    expected = bpx.train(network(dropout=0.2), samples(), **SETTINGS)
    history = expected.finish()

    def stop(progress):
        if (progress.epoch, progress.samples) == (2, 12):
            signal.raise_signal(number)

    with pytest.raises(bpx.Preempted) as ended:
        fit(tmp_path, progress=stop)
    assert ended.value.code == 75
    assert ended.value.folder == str(tmp_path)
    assert str(ended.value).startswith(
        f"{name} ended the run in {tmp_path}, and a checkpoint was"
    )
    assert "resume=True) or bpx.resume(" in str(ended.value)
    assert str(ended.value) in caplog.text
    assert signal.getsignal(number) is handler
    assert (states(tmp_path)[-1]["epoch"], states(tmp_path)[-1]["step"]) == (1, 3)
    resumed = bpx.resume(tmp_path, samples())
    same_records(resumed.finish(), history)
    same_state(resumed, expected)


def test_a_signal_between_epochs_waits_for_the_next_one(tmp_path):
    training = bpx.train(network(), samples(), **SETTINGS, checkpoint=tmp_path)
    next(training)
    signal.raise_signal(signal.SIGTERM)
    with pytest.raises(bpx.Preempted):
        next(training)
    assert states(tmp_path)[-1]["epoch"] == 1


def test_a_loop_that_does_not_ask_for_the_next_epoch_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(signals, "GRACE", 0.05)
    before = signal.getsignal(signal.SIGTERM)
    training = bpx.train(network(), samples(), **SETTINGS, checkpoint=tmp_path)
    next(training)
    signal.raise_signal(signal.SIGTERM)
    with pytest.raises(bpx.Preempted, match="its last checkpoint is an older one"):
        sleep(30.0)
    assert signal.getsignal(signal.SIGTERM) is before
    assert states(tmp_path)[-1]["epoch"] == 0
    assert len(bpx.resume(tmp_path, samples()).finish()) == 3


def test_a_signal_that_a_left_training_has_not_heeded_is_passed_on(tmp_path):
    heard = []
    before = signal.signal(signal.SIGTERM, lambda *_: heard.append(1))
    try:
        training = bpx.train(network(), samples(), **SETTINGS, checkpoint=tmp_path)
        next(training)
        signal.raise_signal(signal.SIGTERM)
        assert heard == []
        training.close()
        assert heard == [1]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_ctrl_c_writes_a_checkpoint_too(tmp_path):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def stop(progress):
        if (progress.epoch, progress.samples) == (2, 12):
            signal.raise_signal(signal.SIGINT)

    try:
        with pytest.raises(KeyboardInterrupt):
            fit(tmp_path, progress=stop)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert states(tmp_path)[-1]["step"] == 3


def test_without_a_folder_no_handler_is_installed():
    before, seen = signal.getsignal(signal.SIGTERM), []
    settings = {**SETTINGS, "progress": lambda _: seen.append(signal.getsignal(signal.SIGTERM))}
    network().fit(*samples(), **settings)
    assert set(seen) == {before}


def test_a_private_epoch_is_lost_to_a_signal(tmp_path):
    pytest.importorskip("dp_accounting", reason="privacy is an extra")
    private = bpx.privacy.DPSGD(noise_multiplier=1.1, delta=1e-3)

    def stop(progress):
        if progress.epoch == 2:
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(bpx.Preempted, match="and its last checkpoint is an older one"):
        fit(tmp_path, progress=stop, privacy=private, seed=None)
    assert states(tmp_path)[-1]["epoch"] == 1


def test_a_full_disk_stops_nothing_and_loses_nothing(tmp_path, monkeypatch, caplog):
    expected = network(dropout=0.2).fit(*samples(), **SETTINGS)
    fsync, full = os.fsync, [False]

    def failing(file):
        if full[0]:
            raise OSError(28, "No space left on device")
        fsync(file)

    def fill(progress):
        full[0] = progress.epoch == 2

    monkeypatch.setattr(os, "fsync", failing)
    _, history = fit(tmp_path, every="4 steps", progress=fill)
    same_records(history, expected)
    assert "no checkpoint could be written in" in caplog.text
    assert "(No space left on device); training goes on" in caplog.text
    assert not list(tmp_path.rglob("*.bpx-part"))
    found = states(tmp_path)
    assert found[-1]["epoch"] == 3
    text = (tmp_path / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in text] == [1, 2, 3]


def test_files_that_the_system_cuts_short_lose_nothing(tmp_path, caplog):
    """A limit of the process, beyond which a write ends in the middle of a file."""
    resource = pytest.importorskip("resource", reason="this system has no such limits")
    expected = network(dropout=0.2).fit(*samples(), **SETTINGS)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(progress):
        most = 500 if progress.epoch == 2 else soft
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))

    try:
        _, history = fit(tmp_path, every="4 steps", progress=limit)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    same_records(history, expected)
    assert caplog.text.count("no checkpoint could be written in") >= 2
    assert "epoch 2 could not be written (" in caplog.text
    assert "cannot be written: File too large); training goes on" in caplog.text
    assert not list(tmp_path.rglob("*.bpx-part"))
    same_records(bpx.resume(tmp_path, samples()).finish(), expected)
    text = (tmp_path / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in text] == [1, 2, 3]
    assert (tmp_path / "history.csv").read_text().count("\n") == 4


def test_the_last_checkpoint_stays_while_the_disk_is_full(tmp_path, monkeypatch):
    cut_off(13, tmp_path, every="4 steps")
    before = [state["steps"] + state["step"] for state in states(tmp_path)]
    with monkeypatch.context() as patch:
        patch.setattr(Run, "write", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
        fit(tmp_path, every="4 steps", resume=True)
    assert [state["steps"] + state["step"] for state in states(tmp_path)] == before
    resumed = bpx.resume(tmp_path, samples())
    same_records(resumed.finish(), network(dropout=0.2).fit(*samples(), **SETTINGS))


def test_one_that_the_disk_does_not_confirm_is_no_hindrance(tmp_path, monkeypatch, caplog):
    """Even if it cannot be removed again: the next one gets another number."""
    write, failed = Run.write, []

    def half(self, number, content):
        write(self, number, content)
        if number == 2:
            failed.append(number)
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(Run, "write", half)
    fit(tmp_path)
    assert failed == [2]
    assert caplog.text.count("no checkpoint could be written") == 1
    assert states(tmp_path)[-1]["epoch"] == 3
    assert bpx.resume(tmp_path, samples()).finish().stopped.epoch == 3


def test_a_checkpoint_of_another_run_is_never_removed(tmp_path):
    fit(tmp_path, epochs=1)
    foreign = {**Run(tmp_path).read(1), "run": "theirs", "score": 0.0}
    Run(tmp_path).write(7, Content(b"", b"", foreign))
    resumed = bpx.resume(tmp_path, samples(), epochs=4, keep=1)
    history = resumed.finish()
    costs = [epoch.cost for epoch in history]
    mine = [s["epoch"] for s in states(tmp_path) if s["run"] != "theirs"]
    assert mine == sorted({4, costs.index(min(costs)) + 1})
    assert Run(tmp_path).read(7)["run"] == "theirs"


def test_an_observers_state_must_fit_into_a_file(tmp_path):
    class Bad:
        name = "bad"

        def __call__(self, state, data, epoch):
            return None

        def saved(self):
            return object()

    with pytest.raises(
        bpx.InputError, match=r"saved\(\) of the observer 'bad' gave a value that"
    ):
        fit(tmp_path, observers=[Bad()])


def test_a_training_that_is_left_releases_the_folder(tmp_path):
    training = bpx.train(network(), samples(), **SETTINGS, checkpoint=tmp_path)
    with pytest.raises(bpx.InputError, match=f"in use by process {os.getpid()}"):
        bpx.resume(tmp_path, samples()) if any(Run(tmp_path).numbers()) else fit(tmp_path)
    next(training)
    with pytest.raises(bpx.InputError, match=f"in use by process {os.getpid()}"):
        bpx.resume(tmp_path, samples())
    del training
    bpx.resume(tmp_path, samples()).finish()


def test_a_run_that_was_continued_elsewhere_is_left_alone(tmp_path):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def stop(progress):
        if (progress.epoch, progress.samples) == (2, 12):
            signal.raise_signal(signal.SIGINT)

    settings = {**SETTINGS, "checkpoint": tmp_path, "progress": stop}
    training = bpx.train(network(dropout=0.2), samples(), **settings)
    try:
        with pytest.raises(KeyboardInterrupt):
            training.finish()
    finally:
        signal.signal(signal.SIGINT, before)
    bpx.resume(tmp_path, samples()).finish()
    with pytest.raises(
        bpx.InputError, match="has been continued elsewhere since this training"
    ):
        next(training)
    assert states(tmp_path)[-1]["epoch"] == 3


def test_one_that_was_interrupted_goes_on_in_the_same_process(tmp_path):
    expected = bpx.train(network(dropout=0.2), samples(), **SETTINGS)
    history, wanted = expected.finish(), [KeyboardInterrupt]

    def stop(progress):
        if progress.epoch == 2 and wanted:
            raise wanted.pop()

    settings = {**SETTINGS, "checkpoint": tmp_path, "progress": stop}
    training = bpx.train(network(dropout=0.2), samples(), **settings)
    with pytest.raises(KeyboardInterrupt):
        training.finish()
    same_records(training.finish(), history)
    same_state(training, expected)


def test_three_are_kept_unless_you_say_otherwise(tmp_path):
    _, history = fit(tmp_path, epochs=6)
    costs = [epoch.cost for epoch in history]
    best = costs.index(min(costs)) + 1
    assert [state["epoch"] for state in states(tmp_path)] == sorted({4, 5, 6, best})


def test_a_run_that_has_ended_writes_nothing_more(tmp_path):
    training = bpx.train(network(dropout=0.2), samples(), **SETTINGS, checkpoint=tmp_path)
    training.finish()
    before = Run(tmp_path).numbers()
    assert next(training, None) is None
    assert len(fit(tmp_path, resume=True)[1]) == 3
    assert Run(tmp_path).numbers() == before
