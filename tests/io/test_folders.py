"""Folders that appear whole, or not at all."""

import errno
import os
import stat

import pytest

from bpx.io import folders
from bpx.io.folders import discard, new_folder, sweep, sync, write_file


def test_a_folder_appears_with_all_its_files(tmp_path):
    with new_folder(tmp_path / "000001") as folder:
        write_file(folder / "a", b"1")
        write_file(folder / "b", b"2")
        assert os.listdir(tmp_path) == [folder.name]  # under another name
    assert os.listdir(tmp_path) == ["000001"]
    assert (tmp_path / "000001" / "b").read_bytes() == b"2"


def test_nothing_remains_of_one_that_fails(tmp_path):
    def fill():
        with new_folder(tmp_path / "000001") as folder:
            write_file(folder / "a", b"1")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        fill()
    assert os.listdir(tmp_path) == []


def failing_for_folders(monkeypatch, number):
    fsync = os.fsync

    def failing(file):
        if stat.S_ISDIR(os.fstat(file).st_mode):
            raise OSError(number, os.strerror(number))
        fsync(file)

    monkeypatch.setattr(os, "fsync", failing)


@pytest.mark.skipif(os.name == "nt", reason="Windows syncs no folder")
def test_one_whose_name_does_not_reach_the_disk_is_removed(tmp_path, monkeypatch):
    def fill():
        with new_folder(tmp_path / "000001") as folder:
            write_file(folder / "a", b"1")
            sync(folder)
            failing_for_folders(monkeypatch, errno.EIO)
            monkeypatch.setattr(folders, "sync", only_the_parents)

    def only_the_parents(path):
        if path == tmp_path:
            sync(path)

    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        fill()
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows syncs no folder")
@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_that_syncs_no_folders_is_no_hindrance(tmp_path, monkeypatch, number):
    failing_for_folders(monkeypatch, number)
    with new_folder(tmp_path / "000001") as folder:
        write_file(folder / "a", b"1")
    assert os.listdir(tmp_path) == ["000001"]


def test_everything_is_on_the_disk_before_the_name_is(tmp_path, monkeypatch):
    done, fsync, rename = [], os.fsync, os.rename
    monkeypatch.setattr(os, "fsync", lambda file: done.append("fsync") or fsync(file))
    monkeypatch.setattr(os, "rename", lambda *names: done.append("rename") or rename(*names))
    with new_folder(tmp_path / "000001") as folder:
        write_file(folder / "a", b"1")
    windows = os.name == "nt"  # where a folder cannot be synced
    assert done == ["fsync", *([] if windows else ["fsync"]), "rename", *["fsync"][windows:]]


def test_a_file_is_never_replaced(tmp_path):
    write_file(tmp_path / "a", b"1")
    with pytest.raises(FileExistsError):
        write_file(tmp_path / "a", b"2")
    sync(tmp_path / "a")


def test_what_killed_processes_left_is_swept(tmp_path):
    context = new_folder(tmp_path / "000002")
    write_file(context.__enter__() / "a", b"1")
    (tmp_path / ".history.csv.0-0-0.bpx-part").write_bytes(b"half")
    (tmp_path / ".theirs").mkdir()
    sweep(tmp_path)
    assert os.listdir(tmp_path) == [".theirs"]


def test_a_folder_is_removed_under_another_name(tmp_path, monkeypatch):
    (tmp_path / "000001").mkdir()
    (tmp_path / "000001" / "a").write_bytes(b"1")
    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", lambda *_, **__: None)  # as if it were killed there
        discard(tmp_path / "000001")
    assert not (tmp_path / "000001").exists()
    sweep(tmp_path)
    assert os.listdir(tmp_path) == []
    discard(tmp_path / "000001")  # which is gone already
