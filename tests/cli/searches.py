"""A small search, for tests."""

from pathlib import Path

import pytest

pytest.importorskip("click", reason="the command line is an extra")
pytest.importorskip("rich", reason="the command line is an extra")
pytest.importorskip("tomli_w", reason="the command line is an extra")

from bpx.cli.commands import cli
from bpx.cli.tuning.search import read_search

TRAIN = cli.commands["train"]
TEXT = """
data = "blobs.csv"
epochs = 2
batch_size = 16
seed = 3

[tune]
trials = 3

[tune.space]
eta = {low = 1e-3, high = 1e-1, log = true}
hidden = ["relu", "tanh"]
"""


def written(*changes, name="search.toml"):
    """The file of a search, with some of its text replaced."""
    text = TEXT
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    Path(name).write_text(text)
    return name


def search(*changes):
    return read_search(written(*changes))


def needs_optuna():
    pytest.importorskip("optuna", reason="Optuna is an extra")
