"""The command as a process: its exit codes, Ctrl-C, and what it needs installed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import bpx
from bpx.cli import splits
from tests.cli.invoked import COMMAND, SECONDS, history, learned, settings


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_keeps_the_last_finished_epoch():
    rng = np.random.default_rng(0)
    np.savez("data.npz", x=rng.random((2000, 50)), y=rng.integers(0, 10, 2000))
    code = (  # a process in the background of a shell script would ignore it
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from bpx.cli import main; main()"
    )
    words = ["train", "data.npz", "--epochs", "1000000", "--out", "run"]
    with subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            _wait_for_a_row(process)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=SECONDS)
        finally:
            process.kill()
    rows = history("run")
    assert process.returncode == 130
    assert said == (
        f"Interrupted: the network of epoch {len(rows)} is saved in "
        f"{os.path.join('run', 'model.safetensors')}; continue it with: bpx resume run\n"
    )
    network = bpx.load("run/model.safetensors")
    rest, _ = splits.hold_out(
        bpx.data.read("data.npz"), 0.2, settings("run")["seed"], network.sizes[-1]
    )
    assert network.sizes == (50, 30, 10)
    assert np.isfinite(network.evaluate(*rest).cost)


def _wait_for_a_row(process):
    until = time.monotonic() + SECONDS
    while not (os.path.exists("run/history.csv") and history("run")):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < until, "no epoch finished"
        time.sleep(0.01)


def python(code, *words):
    return subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=SECONDS
    )


@pytest.mark.parametrize("package", ["click", "rich", "tomli_w"])
def test_without_the_extra_one_sentence_says_how_to_install_it(package):
    code = f"import sys; sys.modules[{package!r}] = None\nfrom bpx.cli import main\nmain()"
    result = python(code, "train", "digits")
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr == (
        f"The command line needs {package.replace('_', '-')}, which is not installed; "
        "install it in a clone of bpx with: pip install '.[cli]'\n"
    )


def test_importing_bpx_imports_nothing_of_the_command_line():
    code = (
        "import sys, bpx\n"
        "print([m for m in ('click', 'rich', 'tomli_w', 'bpx.cli') if m in sys.modules])"
    )
    assert python(code).stdout == "[]\n"


def test_the_process_ends_with_the_codes_of_the_commands(blobs):
    good = subprocess.run([*COMMAND, "--version"], capture_output=True, timeout=SECONDS)
    bad = subprocess.run(
        [*COMMAND, "train", "digit"], capture_output=True, text=True, timeout=SECONDS
    )
    assert good.returncode == 0
    assert bad.returncode == 1
    assert bad.stdout == ""
    assert bad.stderr.startswith("Error: there is no data set 'digit'")


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this system has no SIGUSR1")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1", "SIGKILL"])
def test_a_run_that_a_signal_ends_is_continued_to_the_same_bits(name):
    rng = np.random.default_rng(0)
    np.savez("data.npz", x=rng.random((500, 20)), y=rng.integers(0, 5, 500))
    words = ["train", "data.npz", "--seed", "1"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(
        [*COMMAND, *words, "--epochs", "99999", "--out", "run"], **pipes
    ) as p:
        try:
            _wait_for_a_row(p)
            p.send_signal(getattr(signal, name))
            _, said = p.communicate(timeout=SECONDS)
        finally:
            p.kill()
    if name == "SIGKILL":
        assert p.returncode == -signal.SIGKILL
    else:
        assert p.returncode == 75
        assert f"{name} ended the run in run, and a checkpoint was written" in said
        assert "continue it with bpx resume run" in said
    epochs = str(len(history("run")) + 3)
    for more in (
        ["resume", "run", "--epochs", epochs],
        [*words, "--epochs", epochs, "--out", "whole"],
    ):
        subprocess.run([*COMMAND, *more], check=True, capture_output=True, timeout=SECONDS)
    assert len(history("run")) == int(epochs)
    assert learned("run") == learned("whole")
    one, other = (Path(run, "model.safetensors").read_bytes() for run in ("run", "whole"))
    assert one == other
