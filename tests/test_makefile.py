"""What make says of a Python or of a folder that it cannot use, before it makes anything."""

import subprocess
from pathlib import Path
from shutil import which

import pytest

ROOT = Path(__file__).parents[1]
VENV = "VENV=.never-made"

pytestmark = pytest.mark.skipif(which("make") is None, reason="make is not installed")


def make(*words):
    return subprocess.run(["make", *words], cwd=ROOT, capture_output=True, text=True)


@pytest.fixture
def old(tmp_path):
    """A Python that is too old, in a folder that needs quoting."""
    python = tmp_path / "a folder" / "python"
    python.parent.mkdir()
    python.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.10.1\nexit 1\n')
    python.chmod(0o755)
    return python


@pytest.mark.parametrize("goals", [["demo"], ["lint", "types"]])
def test_an_old_python_is_named_with_what_to_type(old, goals):
    ran = make(*goals, f"PYTHON={old}", VENV)
    assert ran.returncode != 0
    assert f"PYTHON is '{old}' (Python 3.10.1)" in ran.stderr
    assert f"make {' '.join(goals)} PYTHON=python3.12\n" in ran.stderr


def test_a_python_that_is_not_there_is_named():
    ran = make("test", "PYTHON=no-such-python", VENV)
    assert ran.returncode != 0
    assert "PYTHON is 'no-such-python'" in ran.stderr


def test_an_environment_in_a_folder_with_spaces_is_refused():
    ran = make("-n", "demo", "VENV=a folder/venv")
    assert ran.returncode != 0
    assert "VENV is 'a folder/venv'; expected a path without spaces" in ran.stderr
