"""The recipes on MNIST: what is chosen on, what is trained on, and what is read once."""

import json

import numpy as np
import pytest

from benchmarks import mnist
from benchmarks.recipes import Recipe
from bpx.data import Dataset, Split

TINY = {
    "one": Recipe((10, 8, 10), (0.0, 0.0), None, 40, 8, 1e-2),
    "two": Recipe((10, 6, 10), (0.0, 0.1), "layer", 2, 8, 1e-2),
}


@pytest.fixture
def data(monkeypatch):
    """Parts of different sizes, so that one cannot be taken for another."""
    rng = np.random.default_rng(0)

    def split(n):
        y = np.arange(n, dtype=np.int32) % 10
        return Split((np.eye(10)[y] + 0.1 * rng.random((n, 10))).astype(np.float32), y)

    found = Dataset("mnist", split(40), split(20), split(30))
    monkeypatch.setattr(mnist, "_mnist", lambda folder: found)
    monkeypatch.setattr(mnist, "CANDIDATES", TINY)
    monkeypatch.setattr(mnist, "RECIPES", {"accurate": "one", "quick": "two"})
    return found


@pytest.fixture
def seen(monkeypatch):
    """The sizes of the parts that runs train on and read."""
    sizes, run = [], mnist.run

    def spy(library, recipe, train, held_out, seed):
        sizes.append((len(train.x), len(held_out.x)))
        return run(library, recipe, train, held_out, seed)

    monkeypatch.setattr(mnist, "run", spy)
    return sizes


def test_candidates_are_chosen_without_the_test_set(data, seen, capsys):
    mnist.main(["--choose", "--seeds", "1"])
    assert seen == [(40, 20)] * 2
    assert "| two |" in capsys.readouterr().out


def test_the_final_run_trains_on_all_training_images(data, seen, capsys, tmp_path):
    out = tmp_path / "runs.json"
    mnist.main(["--seeds", "2", "--out", str(out)])
    assert seen == [(60, 30)] * 2
    runs = json.loads(out.read_text())["runs"]["bpx"]
    assert [one["seed"] for one in runs] == [0, 1]
    assert all(one["accuracy"] == 100.0 and one["seconds"] > 0 for one in runs)
    assert "100.00 [100.00, 100.00]" in capsys.readouterr().out


def test_a_peer_takes_its_turn(data, capsys):
    pytest.importorskip("torch")
    mnist.main(["--recipe", "quick", "--seeds", "1", "--peers", "torch"])
    assert "| torch |" in capsys.readouterr().out


def test_the_recipes_are_among_the_candidates():
    assert {*mnist.RECIPES.values()} <= {*mnist.CANDIDATES}
    assert all(one.sizes[0] == 784 for one in mnist.CANDIDATES.values())
