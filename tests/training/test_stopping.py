"""Early stopping: when it ends a training, and which weights the network then has."""

import numpy as np
import pytest

import bpx
from bpx.model.evaluate import Evaluation
from bpx.training.stopping import Stopping
from tests.backends import flags, host
from tests.training.small import SETTINGS, network, samples

MANY = {**SETTINGS, "epochs": 40, "optimizer": bpx.SGD(3.0, momentum=0.9)}
WORSE = bpx.metrics.Metric("worse", lambda a, y: 0.0 * a[..., 0] + 1.0)


class Net:
    """What a stopping sees of a network; its weights are the number of the epoch."""

    def __init__(self):
        self.parameters, self.feedback, self.given = None, (), []

    def publish(self, parameters, feedback):
        self.given.append((parameters, feedback))
        self.parameters = parameters


def run(rule, costs, first=1):
    """The epoch after which training ends, and the stopping."""
    stopping = Stopping(rule, net := Net())
    for epoch, cost in enumerate(costs, first):
        net.parameters = epoch
        stopping(epoch, Evaluation(cost, 1.0 - cost, {"error": cost}))
        if stopping.stops(epoch):
            return epoch, stopping
    return None, stopping


@pytest.mark.parametrize(
    ("rule", "costs", "ends", "best"),
    [
        ({"patience": 2}, [5, 4, 3, 3, 3, 3], 5, 3),
        ({"patience": 1}, [5, 4, 6, 1], 3, 2),
        ({"patience": 3}, [5, 4, 6, 6, 1, 2, 2, 2], 8, 5),
        ({"patience": 9}, [5, 4, 6, 6], None, 2),
        ({"patience": 2, "min_delta": 1}, [5, 4.5, 4, 2.5], 3, 1),
        ({"patience": 2, "min_delta": 0.5}, [5, 4, 3, 2.6, 2.4, 3, 3], 7, 5),
        ({"patience": 2, "warmup": 3}, [0, 0, 0, 5, 4, 6, 6], 7, 5),
        ({"patience": 2, "warmup": 1}, [5, 6, 7, 8], 4, 2),
        ({"patience": 2}, [np.nan, 3, np.nan, np.nan], 4, 2),
        ({"patience": 2}, [np.nan, np.nan, 3], 2, None),
        ({"patience": 2, "monitor": "accuracy"}, [5, 4, 6, 6], 4, 2),
        ({"patience": 1, "monitor": "error", "better": "higher"}, [5, 6, 4], 3, 2),
        ({"patience": 1, "monitor": "error", "better": "lower"}, [5, 6, 4], 2, 1),
    ],
    ids=str,
)
def test_it_ends_when_the_best_value_is_old(rule, costs, ends, best):
    ended, stopping = run(bpx.EarlyStopping(**rule), costs)
    assert ended == ends
    assert (stopping.best and stopping.best.epoch) == best
    assert stopping.finish(stopping.seen) == best
    assert stopping._network.given == ([] if best in (None, stopping.seen) else [(best, ())])


def test_without_restoring_no_weights_are_kept():
    ended, stopping = run(bpx.EarlyStopping(1, restore_best=False), [1.0, 2.0])
    assert (ended, stopping.finish(2), stopping._network.given) == (2, None, [])
    assert (stopping.best.parameters, stopping.best.feedback) == (None, None)


def test_another_epoch_than_the_next_begins_anew():
    _, stopping = run(bpx.EarlyStopping(2), [1.0, 2.0])
    assert stopping.waited == 1
    stopping(7, Evaluation(9.0, None))
    assert (stopping.best.value, stopping.best.epoch, stopping.waited) == (9.0, 7, 0)
    assert not stopping.stops(3)
    assert stopping.finish(3) is None


def test_the_network_has_the_weights_of_the_best_epoch(target):
    x, y = samples()
    settings = {**MANY, "compile": target.value.compile, "validation_split": 0.3}
    net, other = network(target, feedback="kp"), network(target, feedback="kp")
    with flags(target):
        history = net.fit(x, y, early_stopping=4, **settings)
        best = min(history, key=lambda epoch: epoch.validation.cost).number
        assert history.stopped == ("early_stopping", best + 4, best)
        assert len(history) == best + 4 < 40
        by_hand = other.fit(x, y, **{**settings, "epochs": best})
    assert by_hand.stopped == ("epochs", best, best)
    for a, b in zip(
        (*net.weights, *net.feedback), (*other.weights, *other.feedback), strict=True
    ):
        np.testing.assert_array_equal(host(a), host(b))
    assert repr(history).endswith(
        f"seed 1, stopped by early_stopping, weights of epoch {best}>"
    )


def test_the_best_weights_are_restored_after_the_last_epoch_too():
    x, y = samples()
    net, other = network(), network()
    settings = {**MANY, "epochs": 12, "validation_split": 0.3}
    history = net.fit(x, y, early_stopping=30, **settings)
    best = min(history, key=lambda epoch: epoch.validation.cost).number
    assert history.stopped == ("epochs", 12, best)
    assert best < 12
    other.fit(x, y, **{**settings, "epochs": best})
    np.testing.assert_array_equal(net.weights[0], other.weights[0])


def test_the_iterator_ends_and_the_last_record_still_shows_its_own_weights():
    x, y = samples()
    net = network()
    validation = x[:10], y[:10]
    training = bpx.train(net, (x, y), **MANY, validation=validation, early_stopping=3)
    assert training.stopped is None
    for epoch in training:
        assert epoch.validation == net.evaluate(*validation)
    assert training.stopped.reason == "early_stopping"
    assert training.stopped.weights == epoch.number - 3
    restored = net.parameters
    assert next(training, None) is None
    assert net.parameters is restored
    assert training.state.parameters is restored
    assert training.state.epochs == epoch.number


def test_a_loop_that_is_left_restores_nothing():
    x, y = samples()
    net, other = network(), network()
    for epoch in bpx.train(net, (x, y), **MANY, validation=(x, y), early_stopping=3):
        if epoch.number == 6:
            break
    other.fit(x, y, **{**MANY, "epochs": 6})
    np.testing.assert_array_equal(net.weights[0], other.weights[0])


def test_a_training_that_is_set_back_goes_on():
    x, y = samples()
    net = network()
    settings = {**MANY, "validation": (x[:10], y[:10]), "early_stopping": 3}
    training = bpx.train(net, (x, y), **settings)
    next(training)
    state = training.state
    first = [epoch.validation for epoch in training]
    training.state = state
    again = [epoch.validation for epoch in training]
    assert again[: len(first)] == first  # it begins anew, with the second epoch
    assert training.stopped.reason == "early_stopping"


def test_what_it_saves_can_be_restored_in_another_training(target):
    x, y = samples()
    whole, left, resumed = (network(target, feedback="kp") for _ in range(3))
    validation = x[:10], y[:10]
    settings = {**MANY, "compile": target.value.compile, "validation": validation}
    with flags(target):
        undisturbed = whole.fit(x, y, early_stopping=5, **settings)
        first = bpx.train(left, (x, y), early_stopping=5, **settings)
        records = [next(first) for _ in range(undisturbed.stopped.weights + 2)]
        saved = first._loop.attached.stopping.saved()
        saved["best"]["parameters"] = [host(each) for each in saved["best"]["parameters"]]
        second = bpx.train(resumed, (x, y), early_stopping=5, **settings)
        second.state = first.state
        second._loop.attached.stopping.restore(saved)
        records += second
    assert second.stopped == undisturbed.stopped
    assert [each.cost for each in records] == [each.cost for each in undisturbed]
    for a, b in zip(
        (*whole.weights, *whole.feedback), (*resumed.weights, *resumed.feedback), strict=True
    ):
        np.testing.assert_array_equal(host(a), host(b))


def test_a_stopping_without_a_best_epoch_is_saved_too():
    _, stopping = run(bpx.EarlyStopping(9, warmup=5), [1.0, 2.0])
    assert stopping.saved() == {"seen": 2, "waited": 0, "best": None}
    other = Stopping(stopping.rule, Net())
    other.restore(stopping.saved())
    assert (other.best, other.seen, other.waited) == (None, 2, 0)
    _, stopping = run(bpx.EarlyStopping(9, restore_best=False), [1.0, 2.0])
    other.restore(stopping.saved())
    assert other.best == stopping.best
    assert (other.seen, other.waited) == (2, 1)


def test_a_restored_stopping_that_had_ended_ends_at_once():
    x, y = samples()
    settings = {**MANY, "validation": (x[:10], y[:10]), "early_stopping": 3}
    first = bpx.train(network(), (x, y), **settings)
    for _ in first:
        pass
    again = bpx.train(net := network(), (x, y), **settings)
    again.state = first.state
    again._loop.attached.stopping.restore(first._loop.attached.stopping.saved())
    assert list(again) == []
    assert again.stopped == first.stopped
    np.testing.assert_array_equal(net.weights[0], first.state.parameters.w[0])


def test_streams_end_early_too():
    x, y = samples()
    batches = [(x[i : i + 8], y[i : i + 8]) for i in range(0, 40, 8)]
    options = {"optimizer": MANY["optimizer"], "validation": (x[:10], y[:10]), "seed": 1}
    training = bpx.train(network(), batches=batches, epochs=40, early_stopping=3, **options)
    assert len(list(training)) < 40
    assert training.stopped.reason == "early_stopping"
    ends = bpx.train(network(), batches=iter(batches), steps_per_epoch=2, **options)
    assert [epoch.number for epoch in ends] == [1, 2, 3]
    assert ends.stopped == ("stream", 3, 3)


def test_a_metric_is_watched():
    x, y = samples()
    rule = bpx.EarlyStopping(2, "worse", better="lower")
    settings = {**MANY, "validation": (x, y), "metrics": [WORSE]}
    assert network().fit(x, y, early_stopping=rule, **settings).stopped == (
        "early_stopping", 3, 1,
    )  # fmt: skip


def test_a_librarys_integer_is_a_patience(tmp_path):
    assert type(bpx.EarlyStopping(np.int64(3), warmup=np.int64(1)).patience) is int
    settings = {**MANY, "validation_split": 0.1, "early_stopping": np.int64(3)}
    once = network().fit(*samples(), **settings, checkpoint=tmp_path / "run")
    again = network().fit(*samples(), **{**settings, "early_stopping": 3})
    assert once.stopped == again.stopped


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"patience": 0}, "patience=0 was given"),
        ({"warmup": -1}, "warmup=-1 was given"),
        ({"min_delta": -0.1}, "min_delta=-0.1 was given"),
        ({"monitor": 3}, "monitor=3 was given; expected 'cost'"),
        ({"monitor": "top_5"}, "better=None was given for the metric 'top_5'"),
        ({"monitor": "val_loss"}, "did you mean 'cost'.*expected 'cost' or 'accuracy'"),
        ({"monitor": "val_accuracy"}, "did you mean 'accuracy'"),
        ({"monitor": "top_5", "better": "up"}, "better='up' was given for the metric"),
        ({"better": "higher"}, "but a lower cost is better; omit it"),
        ({"monitor": "accuracy", "better": "lower"}, "but a higher accuracy is better"),
    ],
    ids=str,
)
def test_a_rule_that_cannot_be_used_is_refused(rule, message):
    with pytest.raises(bpx.InputError, match=message):
        bpx.EarlyStopping(**rule)


@pytest.mark.parametrize(
    ("given", "more", "message"),
    [
        (3, {}, "early_stopping=3 was given without validation samples.* validation_split=0.1"),
        (True, {"validation_split": 0.1}, "early_stopping=True was given; expected bpx.Early"),
        ("no", {"validation_split": 0.1}, "early_stopping='no' was given"),
        (3.0, {"validation_split": 0.1}, "early_stopping=3.0 was given; expected bpx.Early"),
        (0, {"validation_split": 0.1}, "patience=0 was given"),
        (
            bpx.EarlyStopping(monitor="worst", better="lower"),
            {"validation_split": 0.1, "metrics": [WORSE]},
            "monitor='worst' was given.*'worse'.*expected 'cost' or 'accuracy' or 'worse'",
        ),
    ],
    ids=str,
)
def test_what_cannot_be_watched_is_refused(given, more, message):
    with pytest.raises(bpx.InputError, match=message):
        network().fit(*samples(), early_stopping=given, **SETTINGS, **more)


def test_there_is_no_accuracy_of_numbers():
    x, _ = samples()
    rule = bpx.EarlyStopping(monitor="accuracy")
    with pytest.raises(bpx.InputError, match="targets that are numbers, expected 'cost'"):
        network().fit(x, x[:, :3], validation_split=0.1, early_stopping=rule, **SETTINGS)


def test_an_accuracy_that_only_the_first_samples_of_a_stream_have_is_refused():
    x, y = np.zeros((6000, 2)), np.eye(2)[[0] * 6000]
    y[-1] = 0.5
    net = bpx.Network([2, 2], output="softmax", cost="cross_entropy", seed=0)
    rule = bpx.EarlyStopping(2, monitor="accuracy")
    with pytest.raises(bpx.InputError, match="have targets that are numbers, so"):
        net.fit(
            x[:4], [0, 1, 0, 1], epochs=2, batch_size=2, optimizer=bpx.SGD(0.1),
            validation=bpx.data.stream(x, y), early_stopping=rule,
        )  # fmt: skip


def test_a_metric_that_is_no_number_is_refused_before_training():
    net, rule = network(), bpx.EarlyStopping(monitor="confusion_matrix", better="higher")
    before, settings = net.parameters, {**SETTINGS, "metrics": ["confusion_matrix"]}
    with pytest.raises(bpx.InputError, match="which is no single number"):
        net.fit(*samples(), early_stopping=rule, validation=samples(), **settings)
    assert net.parameters is before
