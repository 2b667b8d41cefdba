"""The cache folder, and files that are written at once or not at all."""

import sys
from pathlib import Path

import pytest

from bpx._files import cache_folder, expanded, write_atomically
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


def test_home_is_written_out():
    assert expanded("~/here") == Path.home() / "here"
    assert expanded("there/~") == Path("there/~")
