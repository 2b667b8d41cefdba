"""The environment of the programs: BLAS chooses its kernels itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import kernels, machine

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _nothing_was_unset(monkeypatch):
    monkeypatch.setattr(kernels, "UNSET", {})


def test_what_forces_a_kernel_is_unset_and_told(capsys):
    environment = {"OPENBLAS_CORETYPE": "Haswell", "OPENBLAS_NUM_THREADS": "1"}
    kernels.unforce(environment)
    assert environment == {"OPENBLAS_NUM_THREADS": "1"}
    assert "OPENBLAS_CORETYPE=Haswell" in capsys.readouterr().err
    assert machine.environment("numpy")["unset"] == "OPENBLAS_CORETYPE=Haswell"


def test_nothing_is_told_where_nothing_is_forced(capsys):
    kernels.unforce({"OMP_NUM_THREADS": "1"})
    assert capsys.readouterr().err == ""
    assert "unset" not in machine.environment("numpy")


LOOK = "import os, sys; print('numpy' in sys.modules, 'OPENBLAS_CORETYPE' in os.environ)"


@pytest.mark.parametrize(
    ("begins", "seen"), [("-m", "False False"), ("-c", "False True")], ids=["program", "import"]
)
def test_a_program_of_the_folder_unsets_them_before_numpy(begins, seen):
    code = f"import sys; sys.argv = [{begins!r}]; import benchmarks; {LOOK}"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=os.environ | {"OPENBLAS_CORETYPE": "Haswell"},
    )
    assert done.stdout.strip() == seen


def test_a_program_says_which_kernels_ran():
    pytest.importorskip("threadpoolctl")
    arguments = ["--only", "floor", "--cases", "tiny", "--window", "0"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=os.environ | {"OPENBLAS_CORETYPE": "Prescott"},
    )
    head = done.stdout.splitlines()[2]
    assert "unset OPENBLAS_CORETYPE=Prescott" in head
    assert "Prescott (" not in head
    assert "thread" in head
