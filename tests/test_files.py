"""The cache folder, and files that are written at once or not at all."""

import os
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import bpx
from bpx._files import cache_folder, expanded, write_atomically
from bpx.data.places import data_folder
from bpx.errors import InputError


@pytest.fixture(autouse=True)
def _cache_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("BPX_CACHE", str(tmp_path / "cache"))


def test_the_place_of_the_cache(monkeypatch, tmp_path):
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.setenv("BPX_CACHE", "~/mine")
    assert cache_folder() == Path.home() / "mine"
    monkeypatch.setenv("BPX_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "bpx"


@pytest.mark.parametrize(
    ("platform", "expected"),
    [("linux", ".cache"), ("darwin", "Library/Caches"), ("win32", "AppData/Local")],
)
def test_the_place_of_the_cache_on_each_platform(monkeypatch, platform, expected):
    for name in ("BPX_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", platform)
    assert cache_folder() == Path.home() / expected / "bpx"


def test_a_file_is_there_when_all_of_it_is_written(tmp_path):
    path = tmp_path / "file"
    with write_atomically(path) as file:
        file.write(b"whole")
        assert not path.exists()
    assert path.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [path]


def write(path, content, error=None):
    with write_atomically(path) as file:
        file.write(content)
        if error:
            raise error


def test_what_was_there_stays_if_writing_fails(tmp_path):
    path = tmp_path / "file"
    write(path, b"before")
    with pytest.raises(ZeroDivisionError):
        write(path, b"half", ZeroDivisionError())
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    full = OSError(28, "No space left on device")
    with pytest.raises(InputError, match="file cannot be written: No space left on device"):
        write(tmp_path / "file", b"half", full)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match="file cannot be written: No such file or directory"):
        write(tmp_path / "nowhere" / "file", b"")


def test_a_link_stays_one_and_a_file_keeps_its_permissions(tmp_path):
    path, link = tmp_path / "file", tmp_path / "link"
    path.write_bytes(b"before")
    path.chmod(0o600)
    link.symlink_to(path)
    write(link, b"after")
    assert link.is_symlink()
    assert path.read_bytes() == b"after"
    assert path.stat().st_mode & 0o777 == 0o600


WRITE = """
import sys
from bpx._files import write_atomically
with write_atomically(sys.argv[1]) as file:
    file.write(b"a child's")
    file.flush()
    print("begun", flush=True)
    sys.stdin.readline()
"""


@contextmanager
def writers(path, number=1):
    """Processes that are in the midst of writing to a place."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", WRITE, str(path)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(number)
    ]  # fmt: skip
    try:
        assert [child.stdout.readline() for child in running] == ["begun\n"] * number
        yield running
    finally:
        for child in running:
            child.kill()
            child.communicate()


def names(folder):
    return sorted(each.name for each in folder.iterdir())


needs_processes = pytest.mark.skipif(
    sys.platform == "win32", reason="processes are not asked for on Windows: files age there"
)


@needs_processes
def test_what_killed_processes_left_is_swept_by_the_next_write(tmp_path):
    path = tmp_path / "net.safetensors"
    write(path, b"before")
    with writers(path, number=3):
        assert len(names(tmp_path)) == 4
    assert len(names(tmp_path)) == 4
    write(path, b"after")
    assert names(tmp_path) == ["net.safetensors"]
    assert path.read_bytes() == b"after"


@needs_processes
def test_what_a_process_is_writing_is_not_swept_however_old(tmp_path):
    path = tmp_path / "file"
    with writers(path) as (child,):
        (part,) = tmp_path.iterdir()
        os.utime(part, (0, 0))
        write(path, b"ours")
        assert names(tmp_path) == sorted([part.name, "file"])
        child.communicate("go on\n")
        assert child.returncode == 0
    assert path.read_bytes() == b"a child's"
    assert names(tmp_path) == ["file"]


@needs_processes
def test_what_was_left_of_other_files_is_not_swept(tmp_path):
    with writers(tmp_path / "file.csv"):
        left = names(tmp_path)
    mine = [".file.4711", ".file.csv.bpx-part", "file.csv.0.bpx-part"]
    for name in mine:
        (tmp_path / name).write_text("")
    write(tmp_path / "file", b"")
    assert names(tmp_path) == sorted([*left, *mine, "file"])


def test_what_another_machine_left_is_swept_after_a_day(tmp_path):
    path, hours = tmp_path / "file", 3600
    parts = [tmp_path / f".file.{'0' * 8}-{i}-{'0' * 8}.bpx-part" for i in (1, 2)]
    for part in parts:
        part.write_text("")
    now = parts[0].stat().st_mtime
    os.utime(parts[0], (now - 25 * hours,) * 2)
    os.utime(parts[1], (now - 23 * hours,) * 2)
    write(path, b"")
    assert names(tmp_path) == sorted([parts[1].name, "file"])


def test_two_writes_of_one_process_to_one_place_do_not_meet(tmp_path):
    path = tmp_path / "file"
    with write_atomically(path) as one:
        one.write(b"one")
        write(path, b"two")
        assert path.read_bytes() == b"two"
    assert path.read_bytes() == b"one"
    assert names(tmp_path) == ["file"]


def test_a_name_may_be_as_long_as_the_file_system_lets_it(tmp_path):
    path = tmp_path / ("n" * 255)
    write(path, b"whole")
    assert path.read_bytes() == b"whole"


def test_home_is_written_out():
    assert expanded("~/here") == Path.home() / "here"
    assert expanded("there/~") == Path("there/~")


def test_home_is_written_out_wherever_a_path_is_taken(monkeypatch, tmp_path):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    net = bpx.Network([2, 2], seed=0)
    net.save("~/net.safetensors")
    assert (tmp_path / "net.safetensors").is_file()
    assert bpx.load("~/net.safetensors").sizes == (2, 2)
    for name, array in (("x.npy", "x"), ("xy.npz", "x and y")):
        x = np.ones((3, 2))
        np.save(tmp_path / name, x) if array == "x" else np.savez(
            tmp_path / name, x=x, y=[0, 1, 0]
        )
        assert bpx.data.read(f"~/{name}").x.shape == (3, 2)
    (tmp_path / "table.csv").write_text("a,b\n1,0\n2,1\n")
    assert bpx.data.read(Path("~") / "table.csv").x.shape == (2, 1)
    monkeypatch.setitem(
        bpx.data.READERS, ".mine", bpx.data.Reader(lambda path: (np.load(path), None))
    )
    with pytest.raises(FileNotFoundError, match=str(tmp_path / "no.mine")):
        bpx.data.read("~/no.mine")


def test_variables_that_name_folders_are_written_out(monkeypatch, tmp_path):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("BPX_CACHE", "~/cache")
    assert cache_folder() == tmp_path / "cache"
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("BPX_DATA", "~/data")
    assert data_folder() == tmp_path / "data"
    with pytest.raises(InputError, match=re.escape(str(tmp_path / "data"))):
        bpx.data.load("mnist", folder="~/data")


@pytest.mark.parametrize("given", [None, 5, ["a"]])
def test_what_is_no_path_is_refused(given):
    with pytest.raises(InputError, match=r"was given as a path; expected a text or a pathlib"):
        expanded(given)
