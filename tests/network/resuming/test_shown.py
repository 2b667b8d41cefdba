"""``run.toml``: it follows a run that is continued with other settings."""

import tomllib

import bpx
from bpx.io.runs import Run
from bpx.network.resuming.shown import change
from tests.network.resuming.cases import SETTINGS
from tests.training.small import network, samples


def settings(folder):
    return tomllib.loads((folder / "run.toml").read_text(encoding="utf-8"))


def test_the_epochs_follow(tmp_path):
    network().fit(*samples(), **SETTINGS, checkpoint=tmp_path)
    before = settings(tmp_path)
    bpx.resume(tmp_path, samples(), epochs=4).finish()
    after = settings(tmp_path)
    assert (before["training"].pop("epochs"), after["training"].pop("epochs")) == (3, 4)
    assert after == before


def test_the_checkpoints_follow(tmp_path):
    given = {**SETTINGS, "checkpoint": tmp_path}
    network().fit(*samples(), **given, every="2 steps", keep=7)
    found = settings(tmp_path)["training"]
    assert (found["every"], found["keep"]) == ("2 steps", 7)
    network().fit(*samples(), **given, keep=5, resume=True)
    found = settings(tmp_path)["training"]
    assert (found["every"], found["keep"]) == ("2 steps", 5)


def test_a_file_that_cannot_be_read_is_told(tmp_path, caplog):
    run = Run(tmp_path)
    change(run, {"epochs": 4})
    (tmp_path / "run.toml").write_text("run = ")
    change(run, {"epochs": 4})
    assert caplog.text.count("run.toml is missing; the run is continued without it") == 1
    assert caplog.text.count("run.toml still has the earlier epochs: ") == 1
