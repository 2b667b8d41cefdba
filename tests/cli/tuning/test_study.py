"""The trials of a search in their journal: who gets which, and what becomes of lost ones."""

import sys

import pytest

import bpx
from bpx.cli.tuning.alive import worker
from bpx.cli.tuning.study import TRIES, Study, imported
from tests.cli.searches import needs_optuna, search


@pytest.fixture
def study(tmp_path):
    needs_optuna()
    return Study(tmp_path, search())


def states(study):
    return [(each.number, each.state) for each in study.results()]


def test_as_many_trials_as_there_are_to_be(study, tmp_path):
    with worker(tmp_path) as name:
        trials = [study.next(name) for _ in range(3)]
        assert study.next(name) is None
        assert [each.number for each in trials] == [0, 1, 2]
        assert [each.folder.name for each in trials] == [
            "trial-0000",
            "trial-0001",
            "trial-0002",
        ]
        assert len({each.values["eta"] for each in trials}) == 3
        assert all(1e-3 <= each.values["eta"] <= 1e-1 for each in trials)
        assert states(study) == [(0, "running"), (1, "running"), (2, "running")]
        study.report(trials[0], 1, 0.75)
        study.complete(trials[0], 2, 0.5)
        study.report(trials[1], 1, 0.9)
        study.prune(trials[1])
        study.fail(trials[2], "no memory")
        assert study.next(name) is None
    done, pruned, failed = study.results()
    assert (done.state, done.value, done.epoch) == ("complete", 0.5, 2)
    assert (pruned.state, pruned.value, pruned.epoch) == ("pruned", 0.9, 1)
    assert (failed.state, failed.why) == ("failed", "no memory")
    assert done.folder == tmp_path / "trial-0000"


def test_another_process_sees_the_same_trials(study, tmp_path):
    with worker(tmp_path) as name:
        study.complete(study.next(name), 1, 0.5)
        again = Study(tmp_path, search())
        assert again.next(name).number == 1
        assert states(again) == states(study)


def test_the_same_seed_draws_the_same_values(tmp_path):
    needs_optuna()
    drawn = []
    for place, seed in (("a", 0), ("b", 0), ("c", 1)):
        (tmp_path / place).mkdir()
        study = Study(tmp_path / place, search(("trials = 3", f"seed = {seed}")))
        with worker(tmp_path / place) as name:
            drawn.append([dict(study.next(name).values) for _ in range(2)])
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_lost_trial_is_tried_again_in_its_folder_and_given_up(study, tmp_path):
    values = None
    for attempt in range(TRIES):
        with worker(tmp_path) as name:
            trial = study.next(name)
        assert trial.number == 0, "its worker is gone, and it is not done"
        assert values in (None, trial.values), attempt
        values = trial.values
    assert states(study) == [(0, "lost")]
    with worker(tmp_path) as name:
        assert [study.next(name).number for _ in range(2)] == [1, 2]
        assert study.next(name) is None


def test_a_lost_trial_waits_for_the_next_worker(study, tmp_path):
    with worker(tmp_path) as name:
        study.next(name)
    assert states(study) == [(0, "waiting")]


def test_a_worker_that_died_before_it_noted_its_trial(study, tmp_path):
    study._study.ask()
    with worker(tmp_path) as name:
        assert [study.next(name).number for _ in range(3)] == [0, 1, 2]
        assert study.next(name) is None


def test_an_interrupted_trial_has_not_been_tried(study, tmp_path):
    for _ in range(TRIES + 1):
        with worker(tmp_path) as name:
            trial = study.next(name)
            assert trial.number == 0
            study.release(trial)


def test_one_that_diverged_counts_as_not_good_enough(study, tmp_path):
    with worker(tmp_path) as name:
        study.prune(study.next(name), "diverged")
    assert [each.state for each in study.results()] == ["diverged"]


def test_bad_trials_are_pruned(tmp_path):
    needs_optuna()
    study = Study(tmp_path, search(("trials = 3", "trials = 10")))
    with worker(tmp_path) as name:
        for value in (0.1, 0.2, 0.3, 0.4, 0.5):
            trial = study.next(name)
            study.report(trial, 1, value)
            assert not study.should_prune(trial)
            study.complete(trial, 1, value)
        bad, good = study.next(name), study.next(name)
        study.report(bad, 1, 0.9)
        study.report(good, 1, 0.05)
        assert study.should_prune(bad)
        assert not study.should_prune(good)


@pytest.mark.parametrize(("name", "kind"), [("random", "RandomSampler"), ("tpe", "TPESampler")])
def test_each_trial_has_a_sampler_of_its_own(name, kind, tmp_path):
    needs_optuna()
    study = Study(tmp_path, search(("trials = 3", f'trials = 6\nsampler = "{name}"')))
    assert type(study._sampler(0)).__name__ == kind
    with worker(tmp_path) as me:
        assert len({study.next(me).values["eta"] for _ in range(6)}) == 6


@pytest.mark.parametrize("sampler", ["random", "tpe"])
@pytest.mark.parametrize("pruner", ["none", "halving", "hyperband"])
def test_every_sampler_and_pruner(sampler, pruner, tmp_path):
    needs_optuna()
    how = f'sampler = "{sampler}"\npruner = "{pruner}"'
    study = Study(tmp_path, search(("trials = 3", how)))
    with worker(tmp_path) as name:
        trial = study.next(name)
        study.report(trial, 1, 0.5)
        assert study.should_prune(trial) in (True, False)


def test_without_optuna(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(bpx.InputError, match=r"pip install '\.\[tune\]'"):
        imported()
