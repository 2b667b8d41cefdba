"""The benchmark of private training, on a data set so small that it takes no time."""

import json

import numpy as np
import pytest

from benchmarks import privacy
from bpx.data import Dataset, Split

pytest.importorskip("dp_accounting", reason="dp-accounting is not installed")

QUICK = {"epochs": 2, "batch_size": 50}


@pytest.fixture
def stand_in(monkeypatch):
    """A data set that stands in for MNIST, of 200 samples, for two epochs."""
    rng = np.random.default_rng(0)
    y = np.arange(200, dtype=np.int32) % 10
    split = Split((np.eye(10)[y] + 0.1 * rng.random((200, 10))).astype(np.float32), y)
    data = Dataset("mnist", split, split, split)
    monkeypatch.setattr(privacy, "_mnist", lambda folder: data)
    monkeypatch.setattr(privacy, "ROWS", [row._replace(**QUICK) for row in privacy.ROWS])
    return data


def row(name):
    return next(iter(privacy.chosen(name)))


def test_a_private_run_spends_its_epsilon(stand_in):
    found = privacy.train(row("epsilon-3"), stand_in, 0, "numpy")
    assert 0.995 * 3.0 <= found.epsilon <= 3.0
    assert found.sigma > 0.0
    assert 0.0 < found.noise < found.seconds


def test_a_run_without_privacy_spends_none(stand_in):
    found = privacy.train(row("no privacy")._replace(epochs=60), stand_in, 0, "numpy")
    assert (found.epsilon, found.sigma, found.noise) == (None, None, 0.0)
    assert found.accuracy > 90.0


def test_rows_are_chosen_by_name():
    assert [each.name for each in privacy.chosen("epsilon-1,epsilon-3")] == [
        "epsilon-1",
        "epsilon-3",
    ]
    assert privacy.chosen(None) is privacy.ROWS
    with pytest.raises(SystemExit, match="no row epsilon-9; known: epsilon-3"):
        privacy.chosen("epsilon-9")


def test_the_command_prints_and_writes_each_row(stand_in, capsys, tmp_path):
    out = tmp_path / "privacy.json"
    privacy.main(["--seeds", "2", "--out", str(out)])
    printed = capsys.readouterr().out
    assert [f"| {each.name} |" in printed for each in privacy.ROWS] == [True] * 3
    written = json.loads(out.read_text())
    assert [len(each["runs"]) for each in written["rows"].values()] == [2, 2, 2]
    assert written["rows"]["epsilon-3"]["epsilon"] == 3.0
