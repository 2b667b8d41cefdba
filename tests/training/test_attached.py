"""Callbacks: when they are called, what their answer means, and how they end."""

import numpy as np
import pytest

import bpx
from tests.training.small import SETTINGS, network, samples


class Log:
    """It writes down what happens to it."""

    def __init__(self, answer=None):
        self.answer, self.told = answer, []

    def __call__(self, epoch):
        self.told.append(epoch)
        return self.answer(epoch) if self.answer else None

    def close(self):
        self.told.append("closed")


def test_they_get_each_record_with_its_weights_and_are_closed():
    net, log, weights = network(), Log(), []
    seen = bpx.train(
        net,
        samples(),
        callbacks=[log, lambda _: weights.append(net.weights[0])],
        **SETTINGS,
    )
    records = []
    for epoch in seen:
        records.append(epoch)
        assert log.told == records
        assert weights[-1] is net.weights[0]
    assert log.told == [*records, "closed"]
    assert seen.stopped == ("epochs", 3, 3)


def test_they_come_after_the_observers():
    class Observer:
        name = "number"

        def __call__(self, state, data, epoch):
            return epoch

    log = Log()
    network().fit(*samples(), observers=[Observer()], callbacks=[log], **SETTINGS)
    assert [each.observed["number"] for each in log.told[:-1]] == [1, 2, 3]


@pytest.mark.parametrize("true", [True, np.True_, np.asarray(True)], ids=repr)
def test_true_ends_the_training_and_all_are_called(true):
    first, second = Log(lambda epoch: true if epoch.number == 2 else None), Log()
    net, other = network(), network()
    history = net.fit(*samples(), callbacks=[first, second], **SETTINGS)
    assert history.stopped == ("callback", 2, 2)
    assert len(second.told) == 3
    other.fit(*samples(), **{**SETTINGS, "epochs": 2})
    np.testing.assert_array_equal(net.weights[0], other.weights[0])
    assert repr(history).endswith("seed 1, stopped by callback>")


@pytest.mark.parametrize("answer", [None, False, np.False_, 1, 17, "yes", [True]], ids=repr)
def test_no_other_answer_does(answer):
    history = network().fit(*samples(), callbacks=[lambda _: answer], **SETTINGS)
    assert history.stopped.reason == "epochs"


@pytest.mark.parametrize("answer", [np.array([True, False]), np.array([], bool)], ids=repr)
def test_several_booleans_are_no_answer(answer):
    with pytest.raises(
        bpx.InputError, match=r"returned booleans of shape \(\d,\); expected True"
    ):
        network().fit(*samples(), callbacks=[lambda _: answer], **SETTINGS)


def test_one_that_ends_it_restores_the_best_weights_of_early_stopping():
    x, y = samples()
    settings = {**SETTINGS, "optimizer": bpx.SGD(1e-30), "validation": (x, y)}
    ends = Log(lambda epoch: epoch.number == 2)
    found = network().fit(x, y, callbacks=[ends], early_stopping=5, **settings)
    assert found.stopped == ("callback", 2, 1)


def test_an_error_leaves_the_epochs_weights_and_closes_all():
    def fail(epoch):
        if epoch.number == 2:
            raise ZeroDivisionError("mine")

    net, other, log = network(), network(), Log()
    with pytest.raises(ZeroDivisionError, match="mine"):
        net.fit(*samples(), callbacks=[fail, log], **SETTINGS)
    assert log.told[1:] == ["closed"]
    other.fit(*samples(), **{**SETTINGS, "epochs": 2})
    np.testing.assert_array_equal(net.weights[0], other.weights[0])


def test_a_training_goes_on_after_an_error_of_one():
    fails = [True]

    def once(epoch):
        if fails.pop() if fails else False:
            raise ZeroDivisionError

    training = bpx.train(network(), samples(), callbacks=[once, log := Log()], **SETTINGS)
    with pytest.raises(ZeroDivisionError):
        next(training)
    assert [epoch.number for epoch in training] == [2, 3]
    assert [getattr(each, "number", each) for each in log.told] == ["closed", 2, 3, "closed"]


def test_an_error_of_one_loses_no_record_of_a_run_with_a_folder(tmp_path):
    fails = [ZeroDivisionError]

    def once(epoch):
        if epoch.number == 2 and fails:
            raise fails.pop()

    expected = network().fit(*samples(), **SETTINGS)
    training = bpx.train(
        network(), samples(), callbacks=[once], checkpoint=tmp_path, **SETTINGS
    )
    with pytest.raises(ZeroDivisionError):
        training.finish()
    found = training.finish()
    assert [each.number for each in found] == [1, 2, 3]
    assert [each.cost for each in found] == [each.cost for each in expected]


def test_all_are_closed_even_if_one_cannot_be():
    class Broken(Log):
        def close(self):
            raise OSError("full")

    first, last = Log(), Log()
    with pytest.raises(OSError, match="full"):
        network().fit(*samples(), callbacks=[first, Broken(), last], **SETTINGS)
    assert (first.told[-1], last.told[-1]) == ("closed", "closed")


def test_they_are_closed_if_training_is_interrupted_diverges_or_is_left():
    def interrupt(progress):
        if progress.epoch == 2:
            raise KeyboardInterrupt

    log = Log()
    with pytest.raises(KeyboardInterrupt):
        network().fit(*samples(), callbacks=[log], progress=interrupt, **SETTINGS)
    assert log.told[1:] == ["closed"]
    with pytest.raises(bpx.DivergenceError):
        network(hidden="relu", output="identity").fit(
            *samples(), callbacks=[log := Log()], **{**SETTINGS, "optimizer": bpx.SGD(1e30)}
        )
    assert log.told == ["closed"]
    training = bpx.train(network(), samples(), callbacks=[log := Log()], **SETTINGS)
    next(training)
    del training
    assert log.told[1:] == ["closed"]


def test_stop_iteration_is_not_swallowed():
    def wrong(epoch):
        raise StopIteration

    with pytest.raises(RuntimeError, match="raised StopIteration; return True to end"):
        network().fit(*samples(), callbacks=[wrong], **SETTINGS)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (print, "callbacks=<built-in function print> was given; expected a list"),
        ([3], "callbacks has 3; expected a function"),
        ([Log], "expected a function that is called with each epoch's record: make one of it"),
    ],
    ids=repr,
)
def test_what_cannot_be_called_is_refused(given, message):
    with pytest.raises(bpx.InputError, match=message):
        network().fit(*samples(), callbacks=given, **SETTINGS)
