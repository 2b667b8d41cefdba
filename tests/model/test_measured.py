"""What a metric is given of the outputs and the targets."""

import numpy as np
import pytest

import bpx
from bpx.metrics import METRICS, Total
from bpx.model.measured import add_part, decided


def given(needs, net, x, y):
    """What the sums of a metric with these needs get."""
    seen = Total("seen", lambda a, y, s: (a, y), lambda a, y: (a, y), needs=needs, keeps=True)
    a, y = net.evaluate(x, y, metrics=[seen]).metrics["seen"]
    return a.tolist(), y.tolist()


X = np.array([[2.0], [-1.0]])


def single(output, cost):
    net = bpx.Network([1, 1], output=output, cost=cost, seed=0, dtype="float64")
    net.parameters = ([[[1.0]]], [[0.0]])
    return net


def test_a_single_output_has_two_classes():
    net = single("sigmoid", "cross_entropy")
    p = net.predict(X)
    rows = [[0.0, 1.0], [1.0, 0.0]]
    for y in ([1, 0], [[1], [0]]):
        assert given("classes", net, X, y) == (rows, rows)
        assert given("probabilities", net, X, y) == (np.hstack([1 - p, p]).tolist(), rows)
        assert given("scores", net, X, y) == (p.tolist(), rows)
        assert given("outputs", net, X, y) == (p.tolist(), [[1.0], [0.0]])


def test_a_hinge_network_decides_by_the_sign():
    net = single("identity", "hinge")
    x = np.array([[0.25], [-0.25]])
    assert given("classes", net, x, [0, 0])[0] == [[0.0, 1.0], [1.0, 0.0]]
    assert decided(x).tolist() == [0, 0]
    assert decided(x, "sign").tolist() == [1, 0]


def test_numbers_are_given_as_they_are():
    net = bpx.Network([1, 2], output="identity", seed=0, dtype="float64")
    y = [[0.5, 1.5], [2.0, 3.0]]
    assert given("outputs", net, X, y) == (net.predict(X).tolist(), y)
    with pytest.raises(bpx.InputError, match="'seen' was given targets that are numbers"):
        given("classes", net, X, y)


def test_labels_are_given_as_rows():
    net = bpx.Network([1, 3], output="softmax", seed=0, dtype="float64")
    p = net.predict(X)
    rows = np.eye(3)[[2, 0]].tolist()
    for needs in ("outputs", "probabilities", "scores"):
        assert given(needs, net, X, [2, 0]) == (p.tolist(), rows)
    assert given("classes", net, X, [2, 0]) == (np.eye(3)[p.argmax(axis=1)].tolist(), rows)


def test_parts_are_merged_as_they_come_unless_every_row_is_needed():
    def largest(sums, more):
        return (max(sums[0], more[0]),)

    rules = METRICS["mae"], Total("largest", None, float, merge=largest)
    for metric, expected in zip(rules, (6.0, 3.0), strict=True):
        parts = []
        for each in (1.0, 3.0, 2.0):
            add_part(metric, parts, (np.asarray(each),))
        assert parts == [(expected,)]
    kept = []
    for each in (1.0, 3.0):
        add_part(Total("all", None, list, keeps=True), kept, (np.asarray([each]),))
    assert [each.tolist() for (each,) in kept] == [[1.0], [3.0]]
