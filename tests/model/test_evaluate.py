"""Outputs in chunks, the classes that they mean, the mean cost, the share of right answers."""

import copy
import pickle

import numpy as np
import pytest

import bpx
from bpx.metrics import METRICS, Metric, top_k
from bpx.model import inputs
from bpx.model.evaluate import Tally, try_out
from bpx.model.inputs import Samples, rows_at_once
from tests.backends import host


@pytest.mark.parametrize(
    ("settings", "cost"),
    [
        ({}, lambda a, t: 0.5 * ((a - t) ** 2).sum(1)),
        (
            {"output": "softmax", "cost": "cross_entropy"},
            lambda a, t: -(t * np.log(a)).sum(1),
        ),
        (
            {"output": "sigmoid", "cost": "cross_entropy"},
            lambda a, t: -(t * np.log(a) + (1 - t) * np.log(1 - a)).sum(1),
        ),
    ],
)
def test_it_is_what_the_outputs_say(target, settings, cost):
    rng = np.random.default_rng(5)
    x, y = rng.random((30, 4)), rng.integers(0, 3, 30)
    net = target.network([4, 5, 3], seed=0, dtype="float64", **settings)
    a = host(net.predict(x))
    found = net.evaluate(x, y)
    assert found.cost == pytest.approx(cost(a, np.eye(3)[y]).mean(), rel=1e-12)
    assert found.accuracy == np.mean(a.argmax(1) == y)
    assert isinstance(found.cost, float)
    assert isinstance(found.accuracy, float)


def test_soft_targets_have_a_cost_and_no_accuracy(target):
    x = np.random.default_rng(6).random((4, 3))
    y = np.array([[0.5, 0.5], [0.2, 0.8], [1.0, 0.0], [0.9, 0.1]])
    net = target.network(
        [3, 2], output="softmax", cost="cross_entropy", seed=0, dtype="float64"
    )
    found = net.evaluate(x, y)
    expected = -(y * np.log(host(net.predict(x)))).sum(1).mean()
    assert found.cost == pytest.approx(expected, rel=1e-12)
    assert found.accuracy is None


def test_it_changes_nothing():
    net = bpx.Network([3, 2], seed=0)
    before = net.parameters
    net.evaluate(np.ones((2, 3)), [0, 1])
    assert net.parameters is before


def largest(a, y):
    return bpx.namespace(a).max(a, axis=-1)


MEASURES = ["absolute_error", top_k(1), top_k(2), Metric("largest", largest)]


def test_metrics_are_means_over_all_samples(target, monkeypatch):
    rng = np.random.default_rng(5)
    x, y = rng.random((9, 4)), rng.integers(0, 3, 9)
    net = target.network([4, 5, 3], seed=0, dtype="float64")
    whole = net.evaluate(x, y, metrics=MEASURES)
    a = host(net.predict(x))
    assert list(whole.metrics) == ["absolute_error", "top_1", "top_2", "largest"]
    assert whole.metrics["absolute_error"] == pytest.approx(np.abs(a - np.eye(3)[y]).mean())
    assert whole.metrics["top_1"] == whole.accuracy
    assert whole.metrics["top_2"] == np.mean((a.argsort(1)[:, 1:] == y[:, None]).any(1))
    assert whole.metrics["largest"] == pytest.approx(a.max(1).mean(), rel=1e-12)
    assert all(isinstance(value, float) for value in whole.metrics.values())
    fours = lambda spec, x: (x[i : min(i + 4, 9), ...] for i in (0, 4, 8))  # noqa: E731
    monkeypatch.setattr("bpx.model.evaluate.chunks", fours)
    parts = net.evaluate(x, y, metrics=MEASURES)
    assert parts.metrics == pytest.approx(whole.metrics, rel=1e-12)


@pytest.mark.parametrize("chunked", [False, True])
def test_sample_weights(target, monkeypatch, chunked):
    """C = (1/n) sum s C; of the others the mean that s weights."""
    rng = np.random.default_rng(5)
    x, y, s = rng.random((9, 4)), rng.integers(0, 3, 9), rng.integers(0, 4, 9) / 2
    net = target.network([4, 5, 3], seed=0, dtype="float64")
    if chunked:
        fours = lambda spec, x: (x[i : min(i + 4, 9), ...] for i in (0, 4, 8))  # noqa: E731
        monkeypatch.setattr("bpx.model.evaluate.chunks", fours)
    a = host(net.predict(x))
    found = net.evaluate(x, y, metrics=MEASURES, sample_weight=s)
    costs = 0.5 * ((a - np.eye(3)[y]) ** 2).sum(1)
    assert found.cost == pytest.approx((s * costs).sum() / 9, rel=1e-12)
    assert found.accuracy == pytest.approx(np.average(a.argmax(1) == y, weights=s), rel=1e-12)
    expected = np.average(np.abs(a - np.eye(3)[y]).mean(1), weights=s)
    assert found.metrics["absolute_error"] == pytest.approx(expected, rel=1e-12)
    assert found.metrics["top_1"] == found.accuracy
    assert found.metrics["largest"] == pytest.approx(np.average(a.max(1), weights=s), rel=1e-12)


def test_where_the_sample_weights_are_all_1_nothing_changes(target):
    rng = np.random.default_rng(5)
    x, y = rng.random((9, 4)), rng.integers(0, 3, 9)
    net = target.network([4, 5, 3], seed=0, dtype="float64")
    plain, found = (
        net.evaluate(x, y, metrics=MEASURES, sample_weight=each) for each in (None, np.ones(9))
    )
    assert found == plain
    assert found.metrics == plain.metrics


def test_a_metric_of_the_wrong_form_is_named(target):
    net = target.network([4, 5, 3], seed=0)
    with pytest.raises(bpx.InputError, match=r"the metric 'odd' gave shape \(9, 3\)"):
        net.evaluate(np.ones((9, 4)), np.zeros(9, int), metrics=[Metric("odd", lambda a, y: a)])


def test_a_metric_is_tried_out_on_more_samples_than_there_are_outputs():
    """Of as many, one number for each output would pass for one for each sample."""
    net = bpx.Network([3, 1, 2], seed=0)
    each = Metric("each", lambda a, y: bpx.namespace(a).mean(a, axis=0))
    given = Samples(np.ones((9, 3), "float32"), np.zeros(9, "int32"), "argmax")
    with pytest.raises(bpx.InputError, match=r"the metric 'each' gave shape \(2,\)"):
        try_out(net.spec, net.parameters, given, (each,))
    try_out(net.spec, net.parameters, given, (top_k(1),))


def test_an_evaluation_is_a_pair_with_its_metrics_beside_it():
    plain, found = bpx.Evaluation(0.5, 0.75), bpx.Evaluation(0.5, 0.75, {"top_5": 1.0})
    cost, accuracy = found
    assert (cost, accuracy) == (found.cost, found.accuracy) == (0.5, 0.75) == plain == found
    assert (plain.metrics, found.metrics) == ({}, {"top_5": 1.0})
    assert repr(plain) == "Evaluation(cost=0.5, accuracy=0.75)"
    assert repr(found) == "Evaluation(cost=0.5, accuracy=0.75, metrics={'top_5': 1.0})"
    for kept in (pickle.loads(pickle.dumps(found)), copy.copy(found), found._replace(cost=0.5)):
        assert type(kept) is bpx.Evaluation
        assert kept.metrics == {"top_5": 1.0}
    assert pickle.loads(pickle.dumps(plain)).metrics == {}
    assert bpx.Evaluation._make((0.5, None)).metrics == {}


@pytest.mark.parametrize(
    ("output", "y", "known"),
    [
        ("softmax", np.eye(3), True),
        ("sigmoid", np.eye(3), True),
        ("identity", np.eye(3), False),  # numbers, which are 0 and 1 by chance
        ("tanh", np.eye(3), False),
        ("identity", np.eye(3, dtype=int), True),
        ("identity", np.arange(3), True),
    ],
)
def test_numbers_have_no_accuracy_whatever_their_values(output, y, known):
    net = bpx.Network([2, 3], output=output, seed=0)
    assert (net.evaluate(np.ones((3, 2)), y).accuracy is not None) == known


def test_samples_in_parts_have_the_evaluation_of_all(monkeypatch):
    monkeypatch.setattr(inputs, "AT_ONCE", 16 * 5 * 4)
    net, rng = bpx.Network([3, 2], seed=0), np.random.default_rng(0)
    assert rows_at_once(net.spec) == 4
    x, y, s = (
        rng.random((11, 3), dtype="float32"),
        rng.integers(0, 2, 11),
        rng.random(11, "float32"),
    )
    tally = Tally(net.spec, net.parameters, "argmax", (METRICS["mae"],))
    for a, b in ((0, 8), (8, 11)):
        tally.add(Samples(x[a:b], y[a:b].astype("int32"), "argmax", s[a:b]))
    expected = net.evaluate(x, y, sample_weight=s, metrics=["mae"])
    assert tally.evaluation == expected
    assert tally.evaluation.metrics == expected.metrics
    assert tally.n == 11
