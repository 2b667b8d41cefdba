"""Workers are known to be alive by the locks that they hold."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import sleep

import pytest

pytest.importorskip("click", reason="the command line is an extra")

from bpx.cli.tuning.alive import alone, is_alive, worker
from tests.launching import environment

PROGRAM = """
import sys, time
from pathlib import Path
from bpx.cli.tuning.alive import worker
with worker(Path(sys.argv[1])) as name:
    print(name, flush=True)
    time.sleep(60)
"""


def test_a_worker_is_alive_until_it_ends(tmp_path):
    with worker(tmp_path) as name, worker(tmp_path) as other:
        assert name != other
        assert is_alive(tmp_path, name)
    assert not is_alive(tmp_path, name)
    assert not is_alive(tmp_path, "somebody else")
    assert not list(tmp_path.iterdir())


def test_a_worker_that_is_killed_is_not_alive(tmp_path):
    started = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    with started:
        name = started.stdout.readline().strip()
        assert is_alive(tmp_path, name)
        started.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    assert not is_alive(tmp_path, name)
    assert not list(tmp_path.iterdir())


def test_one_at_a_time(tmp_path):
    inside = []

    def enter(number):
        with alone(tmp_path):
            inside.append(number)
            sleep(0.01)
            inside.append(number)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(enter, range(4)))
    assert inside[::2] == inside[1::2]
    assert [each.name for each in Path(tmp_path).iterdir()] == [".lock"]
