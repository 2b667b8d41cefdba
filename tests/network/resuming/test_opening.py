"""Opening a run's folder: which checkpoint is taken, and what is refused."""

import os
import shutil

import pytest

import bpx
from bpx.io.runs import Content, Run
from bpx.network.resuming.opening import open_run

CONTENT = Content(b"model", b"rest", {"run": "mine"})


@pytest.fixture
def folder(tmp_path):
    run = Run(tmp_path / "run")
    run.make()
    for number in (3, 4, 5):
        run.write(number, CONTENT)
    (run.path / "run.toml").write_text('run = "mine"\n')
    return run.path


def found(folder):
    opened = open_run(folder, resume=True, begins=True)
    opened.close()
    return None if opened.found is None else opened.found.number


def damage(folder, number):
    (folder / "checkpoints" / f"{number:06d}" / "model.safetensors").write_bytes(b"modem")


def test_the_newest_is_taken(folder, caplog):
    assert found(folder) == 5
    assert caplog.text == ""


def test_a_damaged_one_is_named_and_the_one_before_it_is_taken(folder, caplog):
    damage(folder, 5)
    assert found(folder) == 4
    assert "000005 is not used: model.safetensors is damaged" in caplog.text
    assert "the checkpoint before it is used" in caplog.text


def test_one_of_another_run_is_named_and_not_taken(folder, caplog):
    Run(folder).write(6, CONTENT._replace(state={"run": "theirs"}))
    assert found(folder) == 5
    assert "000006 is not used: it belongs to another run" in caplog.text


def test_if_all_are_damaged_each_is_named_with_the_reason(folder):
    damage(folder, 3)
    damage(folder, 5)
    (folder / "checkpoints" / "000004" / "state.json").unlink()
    with pytest.raises(bpx.FileFormatError) as error:
        found(folder)
    for number, why in (
        (3, "model.safetensors is damaged"),
        (4, "state.json cannot be read"),
        (5, "model.safetensors is damaged"),
    ):
        assert f"00000{number} is not used: {why}" in str(error.value)


@pytest.mark.parametrize("text", ["", "run = ", 'other = "x"', "\xff"])
def test_settings_that_are_damaged_do_not_matter(folder, text):
    (folder / "run.toml").write_text(text, encoding="latin-1")
    assert found(folder) == 5


def test_a_run_is_not_begun_where_there_is_one(folder, tmp_path):
    with pytest.raises(
        bpx.InputError, match="already holds a run; add resume=True to continue"
    ):
        open_run(folder, resume=False, begins=True)
    shutil.rmtree(folder / "checkpoints")
    (folder / "model.safetensors").write_bytes(b"")
    for resume in (False, True):
        with pytest.raises(bpx.InputError, match="without a checkpoint to continue from"):
            open_run(folder, resume=resume, begins=True)
    (folder / "model.safetensors").unlink()
    assert found(folder) is None
    open_run(tmp_path / "new" / "deep", resume=False, begins=True).close()
    assert (tmp_path / "new" / "deep" / "checkpoints").is_dir()


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("run.toml", 'mine = "x"\n'),
        ("run.toml", "not TOML"),
        ("history.csv", "year,event\n"),
        ("history.jsonl", "{}\n"),
    ],
)
def test_files_of_the_user_are_not_replaced(tmp_path, name, text, resume):
    (tmp_path / name).write_text(text)
    with pytest.raises(bpx.InputError, match=f"has a {name}, which a run would replace"):
        open_run(tmp_path, resume=resume, begins=True)
    assert [each.name for each in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == text


def test_a_run_that_was_killed_before_its_first_checkpoint_begins_again(tmp_path):
    (tmp_path / "run.toml").write_text('run = "mine"\n')
    for name in ("history.csv", "history.jsonl"):
        (tmp_path / name).write_text("")
    assert found(tmp_path) is None


def test_a_refusal_leaves_the_folder_unlocked(folder):
    for _ in range(2):
        with pytest.raises(bpx.InputError, match="already holds a run"):
            open_run(folder, resume=False, begins=True)


def test_it_is_locked_until_it_is_closed(folder):
    opened = open_run(folder, resume=True, begins=True)
    with pytest.raises(bpx.InputError, match=f"in use by process {os.getpid()}"):
        found(folder)
    opened.close()
    opened.close()
    opened.lock()
    with pytest.raises(bpx.InputError, match="in use by"):
        found(folder)
    opened.close()
    assert found(folder) == 5


def test_what_killed_processes_left_is_removed(folder):
    (folder / "checkpoints" / ".000006.1-a.bpx-part").mkdir()
    (folder / ".history.csv.1-a.bpx-part").write_bytes(b"")
    found(folder)
    assert not list(folder.rglob("*.bpx-part"))


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(bpx.InputError, match=r"file cannot hold a run: .*; expected a folder"):
        open_run(tmp_path / "file", resume=False, begins=True)


@pytest.mark.parametrize("keep", [0, -1, 1.5, "3"])
def test_at_least_one_is_kept(tmp_path, keep):
    with pytest.raises(bpx.InputError, match=r"keep=.* a whole number of at least 1"):
        open_run(tmp_path, resume=False, begins=True, keep=keep)


@pytest.mark.parametrize("there", [True, False])
def test_one_that_is_abandoned_leaves_no_folder_that_was_not_there(tmp_path, there):
    folder = tmp_path / "new" / "run"
    if there:
        folder.mkdir(parents=True)
    opened = open_run(folder, resume=True, begins=True)
    (other := open_run(tmp_path / "other", resume=True, begins=True)).run.write(1, CONTENT)
    opened.abandon()
    opened.abandon()
    assert folder.exists() == (tmp_path / "new").exists() == there
    assert not there or list(folder.iterdir()) == []
    other.abandon()
    assert found(tmp_path / "other") == 1


def test_what_another_process_uses_is_not_removed(tmp_path):
    opened = open_run(tmp_path / "run", resume=True, begins=True)
    for _ in range(2):
        with pytest.raises(bpx.InputError, match="in use by"):
            open_run(tmp_path / "run", resume=True, begins=True)
    assert (tmp_path / "run" / "checkpoints").is_dir()
    opened.close()


@pytest.mark.parametrize("begins", [True, False])
@pytest.mark.parametrize("path", ["", 5, None, b"run", "a\0b"])
def test_what_is_no_path(path, begins, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(bpx.InputError, match=r"folder was given as .*; expected a path"):
        open_run(path, resume=True, begins=begins)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("begins", [True, False])
def test_a_name_that_is_too_long(begins, tmp_path):
    with pytest.raises(bpx.InputError, match="cannot hold a run: "):
        open_run(tmp_path / ("a" * 300), resume=True, begins=begins)


def test_a_relative_path_stays_where_it_was(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    opened = open_run("run", resume=True, begins=True)
    monkeypatch.chdir("/")
    assert opened.run.path == folder
    assert opened.name == "run"
    opened.close()
