"""The two forms of a metric: what their functions may return, and sums over parts."""

import numpy as np
import pytest

import bpx
from bpx.metrics import Metric, Total

A = [[0.1, 0.7, 0.2], [0.5, 0.1, 0.4], [0.3, 0.3, 0.3], [0.0, 0.0, 1.0]]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (lambda a, y: a, r"'odd' gave shape \(4, 3\), float32; expected shape \(4,\), float32"),
        (lambda a, y: a[:, 0] > 0, r"'odd' gave shape \(4,\), bool"),
        (lambda a, y: 3.0, r"'odd' gave 3\.0; expected an array of shape \(4,\)"),
    ],
)
def test_a_value_of_the_wrong_form(value, message):
    with pytest.raises(bpx.InputError, match=message):
        Metric("odd", value).measured(np.array(A, np.float32), np.zeros(4, np.int32))


def test_sums_of_parts_are_added_merged_or_joined():
    parts = [(np.array([1.0, 2.0]),), (np.array([3.0, 5.0]),), (np.array([0.5, 0.5]),)]
    added = Total("added", None, lambda x: x.tolist())
    assert added.result(parts) == [4.5, 7.5]
    largest = Total(
        "largest", None, lambda x: x.tolist(), merge=lambda p, q: (np.maximum(p[0], q[0]),)
    )
    assert largest.result(parts) == [3.0, 5.0]
    joined = Total("joined", None, lambda x: x.tolist(), keeps=True)
    assert joined.result(parts) == [1.0, 2.0, 3.0, 5.0, 0.5, 0.5]


def test_a_multiple_of_a_metric():
    a, y = np.array([[1.0], [3.0]]), np.array([[0.5], [1.0]])
    off = Metric("off", lambda a, y: abs(a - y)[:, 0])
    assert off.times(4.0).measured(a, y).tolist() == [2.0, 8.0]
    assert off.times(4.0) == off.times(4.0) != off.times(2.0)
    most = Total("most", lambda a, y, s: (abs(a - y).max(),), float)
    assert most.times(4.0).result([most.sums(a, y, None)]) == 8.0
    assert hash(most.times(4.0)) == hash(most.times(4.0))
    assert (off.times(4.0).name, most.times(4.0).name) == ("off", "most")


def test_a_total_of_ones_own():
    """The largest error of any sample."""

    def sums(a, y, s):
        xp = bpx.namespace(a)
        return (xp.max(xp.abs(a - y), axis=(-2, -1)),)

    largest = Total("largest", sums, float, merge=lambda p, q: (max(p[0], q[0]),))
    assert repr(largest) == "<bpx.metrics.Total 'largest'>"
    net = bpx.Network([2, 1], output="identity", seed=0, dtype="float64")
    x, y = np.random.default_rng(0).standard_normal((9, 2)), np.zeros(9)
    found = net.evaluate(x, y, metrics=[largest]).metrics["largest"]
    assert found == pytest.approx(np.abs(net.predict(x)).max(), rel=1e-12)
