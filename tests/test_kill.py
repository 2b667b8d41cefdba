"""Trainings that are killed: a few of the kills of `tools.kill`, which tries many."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tools import kill as module

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(
    not hasattr(signal, "SIGKILL") or not hasattr(os, "fork"),
    reason="this system has no SIGKILL, or no fork",
)


def kill(*words, backend="numpy"):
    paths = os.pathsep.join([str(ROOT), str(ROOT / "backends")])
    return subprocess.run(
        [sys.executable, "-m", "tools.kill", "--backends", backend, *words],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths},
    )


def test_killed_at_random_moments():
    ran = kill("--count", "10", "--calls", "0")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "numpy: 10 kills at random moments" in ran.stdout


def test_killed_on_a_stream():
    ran = kill("--count", "4", backend="stream")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "stream: 4 kills at random moments" in ran.stdout


def test_killed_at_system_calls():
    ran = kill("--count", "0", "--calls", "3")
    if "skipped: " in ran.stdout:
        pytest.skip(ran.stdout.partition("skipped: ")[2].strip())
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "numpy: 3 kills at system calls" in ran.stdout


def test_it_notices_what_is_not_continued(tmp_path):
    """A run that begins anew with another seed has other bits."""
    expected = module.outcome(module.start("numpy", None))
    wrong = expected._replace(records=expected.records[:-1])
    assert module.check("numpy", tmp_path / "a", expected, "1 epoch") is None
    assert module.check("numpy", tmp_path / "b", wrong, "1 epoch") == "other records"
    other = expected._replace(arrays=[(name, b"") for name, _ in expected.arrays])
    assert "other bits in" in module.check("numpy", tmp_path / "c", other, "1 epoch")
    late = expected._replace(stopped=None)
    assert "it ended otherwise" in module.check("numpy", tmp_path / "d", late, "1 epoch")


@pytest.mark.parametrize("every", module.EVERY)
def test_the_trainings_end_as_they_should(every):
    ends = {"5 steps": "early_stopping", "1 epoch": "epochs"}
    assert module.outcome(module.start("numpy", None, every)).stopped.reason == ends.get(
        every, "callback"
    )
