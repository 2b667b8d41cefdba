"""``pytest --gpu``: a skipped test of a GPU has failed. And a plugin that does not fit."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CONFTEST = (
    "from tests.conftest import ("
    "pytest_addoption, pytest_make_collect_report, pytest_runtest_makereport)\n"
)
MIXED = """
import pytest

@pytest.mark.gpu
def test_of_a_gpu():
    pytest.skip("no device")

@pytest.mark.gpu
@pytest.mark.skipif(True, reason="no library")
def test_marked(): ...

def test_of_something_else():
    pytest.skip("not here")

@pytest.mark.gpu
def test_that_runs(): ...
"""
WHOLE = """
import pytest

pytest.importorskip("bpx_of_no_such_name")

@pytest.mark.gpu
def test_never_seen(): ...
"""


def run(folder, *options):
    """The exit code of these tests in a process of their own, and its last line."""
    (folder / "conftest.py").write_text(CONFTEST)
    paths = [folder, ROOT, ROOT / "backends"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", "--rootdir", folder,
         "-p", "no:cacheprovider", *options, folder],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        ((), 0, "1 passed, 4 skipped"),
        (("--gpu",), 1, "1 failed, 1 passed, 1 skipped, 2 errors"),
    ],
    ids=["as always", "--gpu"],
)
def test_a_skip_of_a_gpu_test_is_a_failure_where_it_is_asked_for(tmp_path, options, code, told):
    (tmp_path / "test_mixed.py").write_text(MIXED)
    (tmp_path / "test_whole.py").write_text(WHOLE)
    found, printed = run(tmp_path, "--continue-on-collection-errors", *options)
    assert (found, told in printed) == (code, True), printed
    if options:
        for reason in ("no device", "no library", "bpx_of_no_such_name"):
            assert any(
                "--gpu was given" in line and reason in line for line in printed.splitlines()
            ), printed


def test_a_plugin_that_warns_of_workers_is_left_out(tmp_path):
    """pytest-benchmark, which is installed on many machines, warns where there is ``-n``."""
    (tmp_path / "test_mixed.py").write_text(MIXED)
    (tmp_path / "stands_for_it.py").write_text("raise RuntimeError('was loaded')\n")
    about = tmp_path / "pytest_benchmark-0.dist-info"
    about.mkdir()
    metadata = "Metadata-Version: 2.1\nName: pytest-benchmark\nVersion: 0\n"
    (about / "METADATA").write_text(metadata)
    (about / "entry_points.txt").write_text("[pytest11]\nbenchmark = stands_for_it\n")
    found, printed = run(tmp_path)
    assert (found, "1 passed, 3 skipped" in printed) == (0, True), printed
