"""What training tells: epochs, how far one has come, and the sums that both are made of."""

from math import isnan

import numpy as np
import pytest

import bpx
from bpx.program.preparation import clock
from bpx.training.records import Epoch, History, Progress, Sums

EPOCH = Epoch(3, 0.5, None, None, 2.0, 100.0)


def test_an_epoch_has_what_was_observed_by_name():
    observed = EPOCH._replace(observed={"privacy": "spent", "health": "good", "mine": 7})
    assert (observed.privacy, observed.health) == ("spent", "good")
    assert observed.observed["mine"] == 7


def test_without_observers_nothing_was():
    assert (EPOCH.privacy, EPOCH.health) == (None, None)
    assert dict(EPOCH.observed) == {}
    with pytest.raises(TypeError):
        EPOCH.observed["health"] = "good"  # it is that of all epochs


def test_a_history_is_a_sequence():
    epochs = tuple(EPOCH._replace(number=i) for i in (1, 2, 3))
    history = History(epochs, 7)
    assert len(history) == 3
    assert list(history) == list(epochs)
    assert history[0] is epochs[0]
    assert history[-1].number == 3
    assert history.seed == 7
    with pytest.raises(AttributeError):
        history.seed = 8


def sums(**settings):
    return Sums(2, 10, clock() - 2.0, **settings)


def test_sums_add_up():
    summed = sums().plus(3.0, 2.0, 4).plus(1.0, 1.0, 2)
    assert (summed.cost, summed.hits, summed.samples) == (4.0, 3.0, 6)
    assert summed.means == (4.0 / 6, 3.0 / 6)
    assert (summed.epoch, summed.total) == (2, 10)


def test_answers_are_a_part_of_the_weights_where_there_are_any():
    summed = sums().plus(3.0, 2.0, 4, 8.0).plus(1.0, 1.0, 2, 0.0)
    assert summed.means == (4.0 / 6, 3.0 / 8.0)
    cost, share = sums().plus(0.0, 0.0, 4, 0.0).means  # so far none counts
    assert cost == 0.0
    assert isnan(share)


def test_the_old_sums_stay():
    before = sums()
    before.plus(3.0, 2.0, 4)
    assert (before.cost, before.hits, before.samples) == (0.0, None, 0)


def test_where_accuracy_has_no_meaning_there_is_none():
    summed = sums().plus(3.0, None, 4)
    assert summed.hits is None
    assert summed.means == (0.75, None)


@pytest.mark.parametrize("hits", [0.0, None])
def test_of_no_samples_there_is_no_mean(hits):
    cost, share = sums().plus(0.0, hits, 0).means
    assert isnan(cost)
    assert share is None if hits is None else isnan(share)


def test_the_rate_is_of_the_time_that_has_passed():
    summed = sums().plus(3.0, None, 8)
    assert summed.seconds >= 2.0
    assert 0.0 < summed.rate <= 4.0
    began_now = Sums(1, 10, clock() + 5.0, samples=8)  # a clock that steps back
    assert began_now.rate == pytest.approx(8e9)


def test_progress_is_told_of_the_sums():
    progress = sums().plus(3.0, 1.0, 4).progress
    assert isinstance(progress, Progress)
    assert progress[:5] == (2, 4, 10, 0.75, 0.25)
    assert 0.0 < progress.samples_per_second <= 2.0


def test_they_are_what_fit_gives_back(target):
    x, y = np.random.default_rng(0).random((8, 2)), np.arange(8) % 2
    told = []
    net = target.network([2, 3, 2], seed=0)
    history = net.fit(
        x,
        y,
        epochs=2,
        batch_size=4,
        optimizer=bpx.SGD(0.1),
        seed=5,
        validation=(x, y),
        progress=told.append,
    )
    assert isinstance(history, History)
    assert history.seed == 5
    assert [epoch.number for epoch in history] == [1, 2]
    assert history[-1].validation == net.evaluate(x, y)
    for epoch in history:
        last = [each for each in told if each.epoch == epoch.number][-1]
        assert (last.samples, last.total) == (8, 8)
        assert (last.cost, last.accuracy) == (epoch.cost, epoch.accuracy)
        assert epoch.samples_per_second > 0.0
