"""One trial: a run that is judged, pruned, continued, or fails by itself."""

from pathlib import Path

import pytest

import bpx
from bpx.cli.tuning import trial as trials
from bpx.cli.tuning.alive import worker
from bpx.cli.tuning.opened import opened
from bpx.cli.tuning.study import Study
from tests.cli.invoked import history, interrupt, ok, settings
from tests.cli.searches import TRAIN, needs_optuna, search


class Case:
    """A search with its study, and one worker of it."""

    def __init__(self, name, *changes):
        self.name, self.folder = name, Path("found")
        self.search = opened(search(*changes), self.folder, TRAIN)
        self.study = Study(self.folder, self.search)

    def run(self):
        trial = self.study.next(self.name)
        trials.run(trial, self.study, self.search, TRAIN)
        return next(r for r in self.study.results() if r.number == trial.number)


@pytest.fixture
def case(blobs):
    needs_optuna()
    folder = Path("found")
    folder.mkdir()
    with worker(folder) as name:
        made = []

        def make(*changes):
            made.append(Case(name, *changes))
            return made[-1]

        yield make


@pytest.fixture(autouse=True)
def _no_files_of_workers(monkeypatch):
    """A folder in which a worker is, before there is a search, counts as empty."""
    monkeypatch.setattr("bpx.cli.tuning.opened._check_folder", lambda folder: None)


def test_a_trial_is_a_run_like_any_other(case, blobs):
    result = case().run()
    rows = history(result.folder)
    assert result.state == "complete"
    assert (result.epoch, len(rows)) == (2, 2)
    assert result.value == pytest.approx(float(rows[-1]["validation_cost"]))
    said = settings(result.folder)
    assert (said["eta"], said["hidden"]) == (result.values["eta"], result.values["hidden"])
    assert said["seed"] == 3
    told = ok("evaluate", result.folder, blobs, "--split", "validation")
    assert f"cost      {result.value:#.4g}" in told
    assert "epoch 3/3" in ok("resume", result.folder, "--epochs", 3)
    ok("train", *said["command"].split()[2:], "--out", "again")


def test_the_value_is_that_of_the_weights_that_are_kept(case):
    early = ("epochs = 2", "epochs = 30\nearly_stopping = 1")
    result = case(early, ("low = 1e-3", "low = 0.9"), ("high = 1e-1", "high = 1.0")).run()
    rows = history(result.folder)
    assert result.epoch < len(rows), "or this shows nothing"
    assert result.value == pytest.approx(float(rows[result.epoch - 1]["validation_cost"]))


def test_a_trial_that_is_not_good_enough_ends(case, monkeypatch):
    made = case()
    monkeypatch.setattr(made.study, "should_prune", lambda trial: True)
    result = made.run()
    assert (result.state, result.epoch) == ("pruned", 1)
    assert len(history(result.folder)) == 1


def test_a_trial_that_diverges_is_noted_as_such(case):
    at_once = ("low = 1e-3", "low = 1e37"), ("high = 1e-1", "high = 1e38")
    assert case(*at_once, ("seed = 3", 'optimizer = "sgd"')).run().state == "diverged"


def test_a_trial_that_fails_does_so_by_itself(case, monkeypatch):
    made = case()

    def fails(work, *_, **__):
        raise MemoryError("too large")

    monkeypatch.setattr(trials, "begin", fails)
    first, second = made.run(), made.run()
    assert (first.state, first.why) == ("failed", "MemoryError: too large")
    assert second.number == 1
    monkeypatch.setattr(trials, "prepare", lambda _: made.search.chosen(TRAIN, {"eta": "x"}))
    assert "'x' is not a valid float" in made.run().why


def test_a_trial_without_a_number_fails(case, monkeypatch):
    made = case()
    monkeypatch.setattr(type(made.search), "value", lambda *_: float("nan"))
    assert "the objective cost of epoch 1 is nan" in made.run().why


def test_an_interrupted_trial_goes_on_from_its_checkpoint(case, monkeypatch):
    made = case(("epochs = 2", "epochs = 4"))
    report, seen = made.study.report, []

    def stops(trial, epoch, value):
        report(trial, epoch, value)
        seen.append((trial.number, epoch))
        if len(seen) == 2:
            interrupt()

    monkeypatch.setattr(made.study, "report", stops)
    with pytest.raises(KeyboardInterrupt):
        made.run()
    result = made.run()
    assert [each for each, _ in seen] == [0] * len(seen)
    assert seen[:2] == [(0, 1), (0, 2)]
    assert (result.number, result.state, result.epoch) == (0, "complete", 4)
    alone = bpx.load(result.folder / "model.safetensors")
    words = settings(result.folder)["command"].split()[2:]
    ok("train", *words, "--out", "alone")
    other = bpx.load("alone/model.safetensors")
    assert all((w == v).all() for w, v in zip(alone.weights, other.weights, strict=True))


def test_the_choice_of_ranks_does_not_matter(case, monkeypatch):
    monkeypatch.setenv("BPX_RANKS", "mpi")
    monkeypatch.setenv("PMI_RANK", "1")
    monkeypatch.setenv("PMI_SIZE", "2")
    assert case().run().state == "complete"
