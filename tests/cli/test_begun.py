"""A run as its settings describe it."""

from pathlib import Path

import pytest

import bpx

pytest.importorskip("click", reason="the command line is an extra")
pytest.importorskip("rich", reason="the command line is an extra")
pytest.importorskip("tomli_w", reason="the command line is an extra")

from bpx.cli.begun import begin, described
from bpx.cli.settings import Settings
from bpx.cli.work import prepare

SETTINGS = {"epochs": 2, "batch_size": 16, "seed": 3}


def work(data, **given):
    return prepare(Settings(data, **{**SETTINGS, **given}))


def test_without_a_folder_nothing_is_written(blobs):
    before = sorted(Path().iterdir())
    begin(work(blobs), None).close()
    assert sorted(Path().iterdir()) == before
    with pytest.raises(bpx.InputError, match="batch_size=99"):
        begin(work(blobs, batch_size=99), None)


def test_its_training_is_that_of_the_settings(blobs):
    one = work(blobs, optimizer="sgd", eta=0.5, early_stopping=1, class_weight="balanced")
    training = begin(one, Path("run"), resume=True)
    history = training.finish()
    training.close()
    assert history.seed == 3
    assert history[0].eta == 0.5
    assert Path("run/model.safetensors").exists()


def test_what_it_says_of_the_run(blobs):
    said = described(work(blobs))
    assert said["command"].startswith("bpx train blobs.csv ")
    assert said["started"] == str(Path.cwd())
    assert said["samples"] == {"train": 72, "validation": 18}
    assert said["versions"]["bpx"] == bpx.__version__
    assert said["epochs"] == 2
