"""The workers of a search: one that is killed loses its trial only."""

import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from io import StringIO
from pathlib import Path
from time import monotonic, sleep

import pytest

import bpx
from bpx.cli.tuning import workers
from bpx.cli.tuning.opened import opened
from bpx.cli.tuning.study import Study
from bpx.cli.tuning.workers import spread, work
from tests.cli.invoked import COMMAND, SECONDS, settings
from tests.cli.searches import TRAIN, needs_optuna, search, written
from tests.launching import environment

FOLDER = Path("runs/search")
SLOW = ("epochs = 2", "epochs = 300"), ("trials = 3", 'trials = 3\npruner = "none"')
pytestmark = pytest.mark.usefixtures("blobs")


def begun(*changes):
    needs_optuna()
    found = opened(search(*changes), FOLDER, TRAIN)
    return found, Study(FOLDER, found)


@contextmanager
def started(command):
    """A process in a group of its own, of which nothing is left at the end."""
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    apart = {"env": environment(), "start_new_session": True}
    with subprocess.Popen(command, **output, **apart) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def wait_for_checkpoints(pool):
    """Wait until both workers have finished an epoch."""
    end, trials = monotonic() + SECONDS, set()
    while len(trials) < 2:
        assert pool.poll() is None
        assert monotonic() < end
        found = FOLDER.glob("trial-*/checkpoints/*")
        trials |= {each.parts[-3] for each in found if each.name.isdecimal()}
        sleep(0.005)


def test_one_worker_does_all():
    found, study = begun()
    told = []
    work(study, found, FOLDER, TRAIN, told.append)
    assert [each.number for each in told] == [0, 1, 2]
    assert told == study.results()
    work(study, found, FOLDER, TRAIN, told.append)
    assert len(told) == 3


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_worker_that_is_killed_loses_its_trial_only():
    needs_optuna()
    command = [*COMMAND, "tune", written(*SLOW), "--workers", "2"]
    with started(command) as pool:
        wait_for_checkpoints(pool)
        names = [each.name for each in (FOLDER / "workers").iterdir()]
        os.kill(int(re.fullmatch(r".*-(\d+)-\w+", names[0])[1]), signal.SIGKILL)
        said = pool.communicate(timeout=SECONDS)[0]
    assert pool.returncode == 0, said
    assert "a worker died (signal 9); another one starts" in said
    trials = re.findall(r"^trial +(\d)  cost .* \(epoch 300\)  eta", said, re.M)
    assert sorted(trials) == ["0", "1", "2"]
    assert sorted(each.name for each in FOLDER.glob("trial-*")) == [
        f"trial-000{i}" for i in range(3)
    ]
    assert not (FOLDER / "workers").exists()
    # The killed trial went on to the bits of an undisturbed run.
    for number in (0, 1):
        folder, out = FOLDER / f"trial-000{number}", f"alone-{number}"
        words = settings(folder)["command"].split()[2:]
        alone = [*COMMAND, "train", *words, "--out", out, "--every", "999 epochs", "--quiet"]
        subprocess.run(alone, check=True, env=environment(), timeout=SECONDS)
        pair = (bpx.load(f"{each}/model.safetensors") for each in (folder, out))
        for w, other in zip(*(net.weights for net in pair), strict=True):
            assert (w == other).all()


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this system has no SIGUSR1")
def test_a_search_that_is_asked_to_end_does_so_after_checkpoints():
    needs_optuna()
    file = written(("epochs = 2", "epochs = 100000"))
    command = [*COMMAND, "tune", file, "--workers", "2", "--quiet"]
    with started(command) as pool:
        wait_for_checkpoints(pool)
        pool.send_signal(signal.SIGTERM)
        said = pool.communicate(timeout=SECONDS)[0]
    assert pool.returncode == 75, said
    assert said.count("the same command goes on with the search") == 1
    assert not (FOLDER / "workers").exists()


def pool(monkeypatch, program, started=lambda: None):
    """Let the workers run a program in their place, and call a function when one starts."""
    found, _ = begun(("trials = 3", "trials = 2"))
    popen = subprocess.Popen

    def start(_, **more):
        process = popen([sys.executable, "-c", program])
        started()
        return process

    monkeypatch.setattr(workers.subprocess, "Popen", start)
    spread(found, FOLDER, 2, quiet=True)


def test_workers_that_die_again_and_again(monkeypatch, capfd):
    pool(monkeypatch, "import os; os._exit(9)")
    said = capfd.readouterr().err
    assert "a worker died (exit code 9); another one starts" in said
    assert said.count("another one starts") < 8


def test_workers_that_are_refused(monkeypatch):
    with pytest.raises(bpx.InputError, match="a worker ended with the error above"):
        pool(monkeypatch, "raise SystemExit(1)")


ENDS = [("SIGINT", KeyboardInterrupt), ("SIGTERM", bpx.Preempted)]


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this system has no SIGUSR1")
@pytest.mark.parametrize(("name", "raised"), ENDS)
def test_workers_that_are_asked_to_end(name, raised, monkeypatch, capfd):
    asks = f"import os, signal, time; os.kill(os.getppid(), signal.{name}); time.sleep(60)"
    monkeypatch.setattr(sys, "stdin", StringIO())  # no terminal, whose Ctrl-C reaches them
    with pytest.raises(raised):
        pool(monkeypatch, asks)
    assert "another one starts" not in capfd.readouterr().err


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this system has no SIGUSR1")
@pytest.mark.parametrize(("name", "raised"), ENDS)
def test_workers_that_are_asked_to_end_while_they_start(name, raised, monkeypatch):
    starts = []

    def asked():
        starts.append(name)
        signal.raise_signal(getattr(signal, name))

    began = monotonic()
    with pytest.raises(raised):
        pool(monkeypatch, f"import time; time.sleep({SECONDS})", asked)
    assert starts == [name]
    assert monotonic() - began < SECONDS


def test_one_worker_that_is_asked_to_end_does_not_end_the_others(monkeypatch, capfd, tmp_path):
    """As on a machine that gives up one of its processes."""
    first = f"""
import pathlib
try:
    pathlib.Path({str(tmp_path / "first")!r}).touch(exist_ok=False)
except FileExistsError:
    raise SystemExit(0)
raise SystemExit(75)
"""
    pool(monkeypatch, first)
    assert capfd.readouterr().err.count("another one starts") == 1


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this system has no SIGUSR1")
@pytest.mark.parametrize("when", ["before it is asked for", "while it is"])
def test_between_two_trials_a_worker_ends_at_once(when, monkeypatch):
    found, study = begun()
    ask, trials = study.next, []

    def asked(name):
        if when == "while it is" or trials:
            signal.raise_signal(signal.SIGTERM)
        trials.append(ask(name))
        return trials[-1]

    monkeypatch.setattr(study, "next", asked)
    monkeypatch.setattr(workers, "run", lambda trial, *_: study.complete(trial, 1, 0.5))
    with pytest.raises(bpx.Preempted, match="asked to end"):
        work(study, found, FOLDER, None, lambda result: None)
    states = [each.state for each in study.results()]
    assert states == (["waiting"] if when == "while it is" else ["complete", "waiting"])
