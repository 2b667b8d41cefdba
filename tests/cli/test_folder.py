"""A run's folder: fresh or empty, whole after Ctrl-C, and found again."""

import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest

import bpx

pytest.importorskip("click", reason="the command line is an extra")
pytest.importorskip("rich", reason="the command line is an extra")
pytest.importorskip("tomli_w", reason="the command line is an extra")

from bpx.cli import display, folder, running
from bpx.io.runs import Run
from bpx.network.resuming.files import Records
from bpx.network.resuming.signals import Signals
from tests.cli.invoked import history, interrupt, invoke, learned, ok, refused


def test_a_fresh_folder_under_runs(blobs):
    for _ in range(2):  # within the same second, too
        ok("train", blobs, "--epochs", 1)
    assert len(os.listdir("runs")) == 2
    assert all(name.startswith("blobs-") for name in os.listdir("runs"))


def test_where_no_folder_can_be_made_it_is_said(blobs):
    os.symlink("nowhere", "runs")
    assert "cannot be written" in refused("train", blobs, "--epochs", 1)


def test_a_name_that_another_process_takes_meanwhile_is_not_shared(monkeypatch):
    monkeypatch.setattr(folder.time, "strftime", lambda text: "now")
    monkeypatch.setattr(Path, "exists", lambda self: False)  # as it was just before
    made = [folder.make_folder(None, "a.csv").path for _ in range(3)]
    assert [each.name for each in made] == ["a-now", "a-now-2", "a-now-3"]


def test_a_folder_that_another_process_takes_meanwhile_is_left_to_it(blobs, monkeypatch):
    others = []

    def make_folder(out, data):
        made = folder.make_folder(out, data)
        network = bpx.Network([3, 3], output="softmax", cost="cross_entropy")
        settings = {"epochs": 3, "batch_size": 1, "optimizer": bpx.Adam()}
        others.append(bpx.train(network, (np.eye(3), [0, 1, 2]), **settings, checkpoint=out))
        next(others[0])
        return made

    monkeypatch.setattr(running, "make_folder", make_folder)
    assert "is in use by" in refused("train", blobs, "--out", "run")
    assert len(others[0].finish()) == 3
    assert len(history("run")) == 3
    assert sorted(os.listdir("run/checkpoints")) == ["000002", "000003", "000004"]


@pytest.fixture
def sigterm(monkeypatch):
    """End a run by a signal before its first step."""
    install = Signals.install

    def installed(self):
        install(self)
        signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(Signals, "install", installed)
        yield patch


@pytest.mark.skipif(sys.platform == "win32", reason="there, raising SIGTERM ends the process")
def test_a_signal_before_the_first_step_keeps_what_its_message_promises(blobs, sigterm):
    result = invoke("train", blobs, "--epochs", 2, "--seed", 1, "--out", "run")
    assert result.exit_code == 75
    sigterm.undo()
    ok("resume", "run")
    assert len(history("run")) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="there, raising SIGTERM ends the process")
def test_a_signal_on_a_full_disk_promises_nothing(blobs, sigterm, caplog):
    def full(self, number, content):
        raise OSError(28, "No space left on device")

    sigterm.setattr(Run, "write", full)
    assert invoke("train", blobs, "--out", "run").exit_code == 75
    assert "run, and no checkpoint could be written; begin it again" in caplog.text
    assert not os.path.exists("run")


@pytest.mark.skipif(sys.platform == "win32", reason="there, raising SIGTERM ends the process")
def test_a_signal_in_the_first_epoch_on_a_full_disk_keeps_the_beginning(blobs, monkeypatch):
    write = Run.write

    def full(self, number, content):
        if number > 1:
            raise OSError(28, "No space left on device")
        write(self, number, content)

    with monkeypatch.context() as patch:
        patch.setattr(Run, "write", full)
        patch.setattr(display.Lines, "progress", lambda *_: signal.raise_signal(signal.SIGTERM))
        assert invoke("train", blobs, "--epochs", 2, "--out", "run").exit_code == 75
    ok("resume", "run")
    assert len(history("run")) == 2


@pytest.fixture
def _ctrl_c():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_ctrl_c")
def test_ctrl_c_while_an_epoch_is_saved_waits_for_its_row(blobs, monkeypatch):
    add = Records.add

    def interrupted(self, epoch, model):
        signal.raise_signal(signal.SIGINT)
        add(self, epoch, model)

    monkeypatch.setattr(Records, "add", interrupted)
    result = invoke("train", blobs, "--out", "run")
    assert result.exit_code == 130
    assert "the network of epoch 1 is saved" in result.output
    assert "continue it with: bpx resume run" in result.output
    assert len(history("run")) == 1
    assert os.path.exists("run/model.safetensors")


@pytest.mark.usefixtures("_ctrl_c")
def test_ctrl_c_in_the_first_epoch_keeps_a_checkpoint(blobs, monkeypatch):
    def interrupted(self, progress):
        signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(display.Lines, "progress", interrupted)
        result = invoke("train", blobs, "--epochs", 2, "--out", "run")
    assert result.exit_code == 130
    assert "no epoch had finished, but run has a checkpoint" in result.output
    assert "continue it with: bpx resume run" in result.output
    assert "resumed   after 0 epochs" in ok("resume", "run")
    assert len(history("run")) == 2


def test_an_empty_folder_of_the_user_is_used_and_stays(blobs, monkeypatch):
    os.mkdir("mine")
    with monkeypatch.context() as patch:
        patch.setattr(display.Lines, "progress", interrupt)
        assert invoke("train", blobs, "--out", "mine").exit_code == 130
    assert os.listdir("mine") == []
    ok("train", blobs, "--epochs", 1, "--out", "mine")
    assert len(history("mine")) == 1


def test_a_folder_with_files_is_refused_and_left_alone(trained, blobs):
    before = learned("run")
    assert "--out run has files in it" in refused("train", blobs, "--out", "run")
    assert learned("run") == before


def test_settings_that_cannot_be_read(trained, blobs):
    with open("run/run.toml", "w", encoding="utf-8") as file:
        file.write("seed = \n")
    assert "run.toml cannot be read" in refused("evaluate", "run", blobs)


def test_home_is_written_out(blobs, monkeypatch, tmp_path):
    """A shell leaves the ~ in --out=~/run as it is."""
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    ok("train", blobs, "--epochs", 1, "--out", "~/run")
    assert (tmp_path / "home" / "run" / "model.safetensors").is_file()
    ok("evaluate", "~/run", blobs)
    ok("check", "~/run")
    (tmp_path / "home" / "inputs.csv").write_bytes((tmp_path / "inputs.csv").read_bytes())
    ok("predict", "~/run/model.safetensors", "~/inputs.csv", "--out", "~/answers.csv")
    assert (tmp_path / "home" / "answers.csv").is_file()
    assert not (tmp_path / "~").exists()
