"""The examples: short, and they do what they say."""

import os
import re
import runpy
import shutil
import signal as signals
import subprocess
import sys
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from socket import socket

import numpy as np
import pytest

from tests.launching import SECONDS, alone, environment, needs_mpi, under_mpi

FOLDER = Path(__file__).parents[1] / "examples"
EXAMPLES = sorted(FOLDER.glob("*.*"))
PROGRAM = FOLDER / "several_ranks.py"
RECIPES = sorted(FOLDER.glob("*.sh"))


def test_there_are_examples():
    assert {"dqn", "slurm"} <= {path.stem for path in EXAMPLES}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_fits_on_a_page(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 60


@pytest.mark.parametrize("launched", [under_mpi, alone])
def test_processes_train_the_digits_together(monkeypatch, tmp_path, launched):
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    monkeypatch.chdir(tmp_path)
    told = launched(*([] if launched is alone else [2]), PROGRAM.read_text(encoding="utf-8"))
    check_epochs(told, "12345")


def check_epochs(told, numbers):
    """Check that just these epochs of the digits are told, and what the last one came to."""
    costs = re.findall(r"^epoch (\d): cost (\S+), accuracy (\S+)%", told, re.M)
    assert "".join(number for number, *_ in costs) == numbers, told
    if numbers.endswith("5"):
        assert float(costs[-1][1]) == pytest.approx(1.863, abs=0.01)
        assert float(costs[-1][2]) > 84.0


# The recipes


@pytest.fixture
def place(monkeypatch, tmp_path):
    """A clone with the examples and an environment that is active already."""
    if shutil.which("bash") is None or sys.platform == "win32":
        pytest.skip("there is no bash")
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    monkeypatch.chdir(tmp_path)
    shutil.copytree(FOLDER, "examples")
    Path(".venv/bin").mkdir(parents=True)
    Path(".venv/bin/activate").touch()
    return tmp_path


def started(name, *words, **variables):
    """Start a recipe, which finds the folder `programs` first, and then this environment."""
    path = os.pathsep.join((os.path.abspath("programs"), os.path.dirname(sys.executable)))
    return subprocess.Popen(
        ["bash", f"examples/{name}.sh", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(PATH=f"{path}{os.pathsep}{os.environ['PATH']}", **variables),
    )


def ran(*given, code=0, **variables):
    with started(*given, **variables) as process:
        told, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == code, told
    return told


def program(name, text):
    path = Path("programs", name)
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/bash\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


def signalled_once(signal):
    """Let the first rank of the example get a signal after its second epoch, but only once."""
    path = Path("examples", PROGRAM.name)
    text = path.read_text(encoding="utf-8")
    assert "    print(" in text
    wait = f"""
    if epoch.number == 2 and not __import__("os").path.exists("signalled"):
        open("signalled", "w").close()
        __import__("os").kill(__import__("os").getpid(), {int(signal)})
"""
    at = text.index("\n\nif __name__")
    path.write_text(text[:at].rstrip() + wait + text[at:], encoding="utf-8")


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_is_a_script(path):
    bash = shutil.which("bash") or pytest.skip("there is no bash")
    subprocess.run([bash, "-n", path], check=True)


def slurm(code=0):
    variables = {"SLURM_JOB_ID": "7", "SLURM_CPUS_PER_TASK": "1"}
    return ran("slurm", code=code, STARTS=needs_mpi(), **variables)


@pytest.mark.usefixtures("place")
def test_a_job_of_slurm_is_queued_again_and_goes_on():
    """With stand-ins for `srun`, which starts two processes by mpiexec, and `scontrol`."""
    needs_mpi()
    own = '[[ "$1 $2" == "--mpi=pmix --cpus-per-task=1" ]] || exit 9'
    program("srun", f'{own}\nshift 2\nexec "$STARTS" -n 2 "$@"')
    program("scontrol", 'echo "$@" >> asked')
    signalled_once(signals.SIGTERM)
    check_epochs(slurm(code=75), "12")
    assert Path("asked").read_text() == "requeue 7\n"
    check_epochs(slurm(), "345")
    assert Path("asked").read_text() == "requeue 7\n"


@pytest.mark.usefixtures("place")
def test_a_job_of_slurm_that_fails_is_not_queued_again():
    program("srun", "exit 3")
    program("scontrol", "touch asked")
    ran("slurm", code=3, SLURM_JOB_ID="7", SLURM_CPUS_PER_TASK="1")
    assert not Path("asked").exists()


@pytest.mark.usefixtures("place")
def test_two_agents_of_torchrun_begin_again_if_a_process_is_killed():
    if find_spec("torch") is None:
        pytest.skip("torch is not installed")
    with socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    signalled_once(signals.SIGKILL)
    variables = {"NODES": "2", "RANKS": "1", "FIRST": f"localhost:{port}"}
    with ExitStack() as stack:
        agents = [
            stack.enter_context(started("torchrun", "runs/digits", **variables))
            for _ in range(2)
        ]
        told = "".join(agent.communicate(timeout=SECONDS)[0] for agent in agents)
    assert [agent.returncode for agent in agents] == [0, 0], told
    check_epochs(told, "122345")  # from the checkpoint before the second epoch


@pytest.mark.usefixtures("place")
def test_jax_trains_on_two_devices():
    for package in ("jax", "click"):
        pytest.importorskip(package, reason=f"{package} is not installed")
    told = ran("devices", "runs/digits")
    assert re.search(r"^test +accuracy 7\d", told, re.M)
    assert "runs/digits/model.safetensors (epoch 5)" in told


def test_the_pole_stays_up_longer_and_longer():
    dqn = runpy.run_path(str(FOLDER / "dqn.py"))
    lengths = dqn["play"](dqn["Agent"](0), 0)
    assert np.mean(lengths[-20:]) > 3.0 * np.mean(lengths[:20])
