"""Processes that a command starts."""

import os
import signal
import subprocess
import sys

import pytest

from bpx.cli.processes import forwarding, sharing_cores

WAITS = """
import signal, sys, time
signal.signal(signal.SIGUSR1, lambda *_: sys.exit(7))
print("ready", flush=True)
time.sleep(60)
"""


def test_they_share_the_cores(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    cores = int(sharing_cores(1)["OMP_NUM_THREADS"])
    assert cores >= 1
    assert sharing_cores(10 * cores)["OMP_NUM_THREADS"] == "1"
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert sharing_cores(1)["OMP_NUM_THREADS"] == "3"
    assert sharing_cores(1)["PATH"] == os.environ["PATH"]


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this system has no SIGUSR1")
def test_signals_reach_all_of_them_also_those_added_later():
    before, processes = signal.getsignal(signal.SIGUSR1), []
    with forwarding(processes) as asked:
        for _ in range(2):
            started = subprocess.Popen([sys.executable, "-c", WAITS], stdout=subprocess.PIPE)
            assert started.stdout.readline() == b"ready\n"
            processes.append(started)
        os.kill(os.getpid(), signal.SIGUSR1)
        for each in processes:
            with each:
                assert each.wait(30) == 7
    assert asked == [signal.SIGUSR1]
    assert signal.getsignal(signal.SIGUSR1) is before
