"""Jobs of several ranks: how they end, and how they begin again."""

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("click", reason="the command line is an extra")

import click

import bpx
from bpx.cli import launching
from bpx.cli.ranks import FINISHED, FOLDER, NOTES, REFUSED
from tests.launching import environment, needs_mpi

KNOWN = ["resume", "train"]
LAUNCHER = """
import os, subprocess, sys
# A launcher for one process, which notes what the others would.
sys.exit(subprocess.run(sys.argv[3:]).returncode)
"""


@pytest.fixture
def launcher(tmp_path):
    path = tmp_path / "launcher.py"
    path.write_text(LAUNCHER)
    return shlex.join([sys.executable, str(path)])


def script(text):
    Path("job.py").write_text("import os, sys, pathlib\n" + text)
    return ["python", "job.py"]


def run(command, launcher, **more):
    launching.run(command, 2, KNOWN, mpiexec=launcher, **more)


def test_a_job_that_comes_to_its_end(launcher, capfd):
    run([*script("print('there', sys.argv[1:], os.environ['BPX_RANKS'])"), "a", "b"], launcher)
    assert "there ['a', 'b'] mpi" in capfd.readouterr().out


def test_ranks_share_the_cores(monkeypatch, launcher, capfd):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    text = "print('threads', os.environ['OMP_NUM_THREADS'])"
    run(script(text), launcher)
    assert "threads " in capfd.readouterr().out
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    run(script(text), launcher)
    assert "threads 7" in capfd.readouterr().out


def test_a_job_that_vanishes_without_an_error(launcher):
    with pytest.raises(
        click.ClickException, match="not all of its processes came to their end"
    ):
        run(script("os._exit(0)"), launcher)


def test_the_exit_code_is_that_of_the_job(launcher, capfd):
    with pytest.raises(SystemExit) as caught:
        run(script("sys.exit(7)"), launcher)
    assert caught.value.code == 7
    assert "the job ended with the exit code 7" in capfd.readouterr().err


@pytest.mark.parametrize("code", ["0", "None", ""])
def test_a_script_may_leave_by_sys_exit(launcher, code):
    run(script(f"sys.exit({code})"), launcher)


def test_it_begins_again(launcher, capfd):
    text = """
tries = pathlib.Path("tries")
tries.write_text((tries.read_text() if tries.exists() else "") + "x")
if len(tries.read_text()) < 3:
    os._exit(9)
"""
    run(script(text), launcher, restarts=3)
    assert Path("tries").read_text() == "xxx"
    said = capfd.readouterr().err
    assert "the job ended with the exit code 9; restart 1 of 3: python job.py" in said
    assert "restart 2 of 3" in said
    assert "restart 3 of 3" not in said


def test_it_does_not_where_that_would_not_help(launcher):
    refusing = f"pathlib.Path(os.environ['{NOTES}'], '{REFUSED}').touch(); sys.exit(1)"
    for text in (f"open('tries', 'a').write('x'); {refusing}", "sys.exit(2)"):
        with pytest.raises(SystemExit):
            run(script(text), launcher, restarts=5)
    assert Path("tries").read_text() == "x"


def test_it_continues_a_run_that_has_a_checkpoint(monkeypatch, tmp_path):
    ran = []
    x = np.zeros((4, 2))
    net = bpx.Network([2, 1], seed=0)
    net.fit(x, x[:, 0], epochs=1, batch_size=4, optimizer=bpx.SGD(0.1), checkpoint="run")

    def dies(words, environment):
        ran.append(words[-4:])
        Path(environment[NOTES], FOLDER).write_text(str(Path("run").absolute()))
        if len(ran) == 2:
            Path(environment[NOTES], FINISHED).touch()
        return (0 if len(ran) == 2 else 9), None

    monkeypatch.setattr(launching, "_ran", dies)
    launching.run(["train", "digits", "--quiet"], 2, KNOWN, restarts=1, mpiexec="mpiexec")
    assert ran[0][-3:] == ["train", "digits", "--quiet"]
    assert ran[1][-3:] == ["resume", str(Path("run").absolute()), "--quiet"]


def test_signals_are_passed_on(launcher):
    if not hasattr(signal, "SIGUSR1"):
        pytest.skip("this system has no SIGUSR1")
    text = """
import signal, time
signal.signal(signal.SIGUSR1, lambda *_: os._exit(75))
pathlib.Path("ready").touch()
time.sleep(60)
"""
    Path("launcher.py").write_text("import os, sys\nos.execv(sys.argv[3], sys.argv[3:])\n")

    def ask():
        while not Path("ready").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.getsignal(signal.SIGUSR1)
    threading.Thread(target=ask).start()
    with pytest.raises(SystemExit) as caught:
        run(script(text), shlex.join([sys.executable, "launcher.py"]), restarts=3)
    assert caught.value.code == 75
    assert signal.getsignal(signal.SIGUSR1) is before


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["bpx", "train"], "expected it without the word bpx"),
        (["python"], "expected python and the path of a script"),
        (["python", "-c", "1"], "expected python and the path of a script"),
        (["python", "missing.py"], "expected python and the path of a script"),
        (["launch"], "'launch' is no command that bpx launch runs"),
    ],
)
def test_other_words_are_refused(command, said):
    with pytest.raises(bpx.InputError, match=said):
        run(command, "mpiexec")


def test_a_launcher_that_is_not_there(monkeypatch):
    with pytest.raises(bpx.InputError, match="no-such-mpiexec cannot be started"):
        run(script("pass"), "no-such-mpiexec")
    monkeypatch.setattr(launching, "is_installed", lambda package: False)
    with pytest.raises(bpx.InputError, match="pip install mpi4py mpich"):
        run(script("pass"), None)


def launched(*words, code=0):
    needs_mpi()
    made = subprocess.run(
        [sys.executable, "-m", "bpx.cli", "launch", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        env=environment(),
    )
    assert made.returncode == code, made.stdout
    return made.stdout


@pytest.mark.usefixtures("digits")
def test_ranks_train_and_continue_a_run():
    words = "digits", "--epochs", 2, "--seed", 1, "--dtype", "float64"
    told = launched("-n", 2, "--", "train", *words, "--out", "several")
    assert told.count("epoch 2/2") == 1
    assert told.count("saved") == 1
    launched("-n", 3, "--", "resume", "several", "--epochs", 3)
    bpx_alone = [sys.executable, "-m", "bpx.cli", "train", *map(str, words), "--out", "one"]
    subprocess.run(bpx_alone, check=True, env=environment(), stdout=subprocess.DEVNULL)
    again = [sys.executable, "-m", "bpx.cli", "resume", "one", "--epochs", "3"]
    subprocess.run(again, check=True, env=environment(), stdout=subprocess.DEVNULL)
    pair = (bpx.load(f"{name}/model.safetensors") for name in ("one", "several"))
    for w, other in zip(*(net.weights for net in pair), strict=True):
        np.testing.assert_allclose(w, other, rtol=0, atol=1e-12)


@pytest.mark.usefixtures("digits")
def test_an_error_is_told_once_in_the_words_of_the_command_line():
    told = launched("-n", 2, "--", "train", "digits", "--batch-size", 1, code=1)
    assert told.count("--batch-size 1 was given for 2 ranks") == 1
    told = launched("-n", 2, "--", "train", "digits", "--lear", 1, code=2)
    assert told.count("No such option") == 1


def test_a_script_of_several_ranks_leaves_by_sys_exit():
    launched("-n", 2, "--", *script("import bpx; sys.exit(0)"))
    told = launched("-n", 2, "--", *script("import bpx; sys.exit(3)"), code=1)
    assert "of 2 ended all of them" in told


@pytest.mark.usefixtures("digits")
def test_a_cost_that_diverges_is_not_tried_again():
    words = "digits", "--optimizer", "sgd", "--eta", "1e38", "--out", "run"
    told = launched("-n", 2, "--restarts", 2, "--", "train", *words, code=1)
    assert "restart" not in told
    assert told.count("Error: ") == 1


def test_info_lists_the_ranks():
    told = launched("-n", 2, "--", "info")
    assert "started by" in told
    assert "rank 1 " in told
