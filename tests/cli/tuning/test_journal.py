"""The journal of the trials: workers that die neither block it nor damage it."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from bpx.cli.tuning.journal import JournalLock, journal
from tests.cli.searches import needs_optuna
from tests.launching import environment

HOLDS = """
import sys, time
from pathlib import Path
from bpx.cli.tuning.journal import JournalLock
JournalLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "journal.log"
    path.write_bytes(b'{"a":1}\n')
    return path


def test_one_at_a_time(file):
    def append(number):
        lock = JournalLock(file)
        assert lock.acquire()
        text = file.read_text()
        file.write_text(text + f"{number}\n")
        lock.release()
        lock.release()  # which it has done

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(append, range(12)))
    assert sorted(map(int, file.read_text().splitlines()[1:])) == list(range(12))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_holder_that_is_killed_holds_it_no_more(file):
    command = [sys.executable, "-c", HOLDS, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment()) as holder:
        assert holder.stdout.readline() == b"held\n"
        holder.kill()
    assert JournalLock(file).acquire()


@pytest.mark.parametrize(
    ("torn", "left"),
    [
        (b'{"a":1}\n{"b"', b'{"a":1}\n'),
        (b'{"a":1}\n', b'{"a":1}\n'),
        (b'{"a', b""),
        (b"", b""),
    ],
)
def test_a_line_that_a_process_left_unfinished_is_removed(file, torn, left):
    file.write_bytes(torn)
    lock = JournalLock(file)
    lock.acquire()
    lock.release()
    assert file.read_bytes() == left


def test_a_damaged_end_loses_nothing_else(tmp_path):
    needs_optuna()
    import optuna

    study = optuna.create_study(storage=journal(optuna, tmp_path), study_name="s")
    study.tell(study.ask(), 0.5)
    with (tmp_path / "trials" / "journal.log").open("ab") as log:
        log.write(b'{"op_code": 6, "tri')
    again = optuna.load_study(storage=journal(optuna, tmp_path), study_name="s")
    again.tell(again.ask(), 0.25)
    assert [each.value for each in again.get_trials()] == [0.5, 0.25]
