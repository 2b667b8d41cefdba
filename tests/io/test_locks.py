"""A folder's lock: one holder, which may die without a word."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import bpx
from bpx.io import locks
from bpx.io.locks import Lock

ROOTS = [str(Path(bpx.__file__).parents[1]), str(Path(bpx.__file__).parents[1] / "backends")]
HOLDER = f"""
import sys, time
sys.path[:0] = {ROOTS!r}
from pathlib import Path
from bpx.io.locks import Lock
lock = Lock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def test_the_second_is_refused_until_the_first_releases_it(tmp_path):
    first = Lock(tmp_path)
    with pytest.raises(bpx.InputError, match=f"is in use by process {os.getpid()} on "):
        Lock(tmp_path)
    first.release()
    first.release()
    Lock(tmp_path).release()


def test_one_that_nobody_holds_any_more_is_released(tmp_path):
    lock = Lock(tmp_path)
    del lock
    Lock(tmp_path)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_process_that_is_killed_holds_nothing(tmp_path):
    words = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(bpx.InputError, match=f"in use by process {process.pid} on "):
            Lock(tmp_path)
        process.kill()
    Lock(tmp_path).release()


FORKED = f"""
import os, sys
sys.path[:0] = {ROOTS!r}
from pathlib import Path
from bpx.io.locks import Lock
lock, (read, write), (runs, begun) = Lock(Path(sys.argv[1])), os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    os.close(write)
    os.write(begun, b"x")
    os.read(read, 1)  # until the parent has looked
    os._exit(0)
os.read(runs, 1)
lock.release()
Lock(Path(sys.argv[1])).release()
os.close(write)
os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_does_not_keep_it(tmp_path):
    words = [sys.executable, "-c", FORKED, str(tmp_path)]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr


def test_a_file_system_without_locks_is_told(tmp_path, monkeypatch, caplog):
    def none(_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(locks, "_lock", none)
    Lock(tmp_path).release()
    assert "cannot be locked (Operation not supported)" in caplog.text


@pytest.mark.skipif(os.name == "nt", reason="Windows removes no file that is open")
def test_a_file_that_its_last_holder_has_removed_is_no_lock(tmp_path, monkeypatch):
    """Else one process would lock the removed file, and the next one a new file."""
    first, lock = Lock(tmp_path), locks._lock

    def late(descriptor):  # the first one releases between opening and locking
        monkeypatch.setattr(locks, "_lock", lock)
        first.release(remove=True)
        assert not (tmp_path / ".lock").exists()
        lock(descriptor)

    monkeypatch.setattr(locks, "_lock", late)
    second = Lock(tmp_path)
    with pytest.raises(bpx.InputError, match="in use by"):
        Lock(tmp_path)
    second.release()
    assert (tmp_path / ".lock").exists()


def test_a_process_that_holds_it_itself_is_not_told_to_wait(tmp_path):
    lock = Lock(tmp_path)
    with pytest.raises(bpx.InputError, match=r"process itself .* training.close\(\)"):
        Lock(tmp_path)
    lock.release()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline()
        with pytest.raises(bpx.InputError, match="; wait until it ends, or choose another"):
            Lock(tmp_path)
        process.kill()
