"""Metrics: their values on every backend, and what is no metric."""

import numpy as np
import pytest

import bpx
from bpx.metrics import METRICS, Metric, absolute_error, check_metrics, get, top_k
from tests.backends import host

A = [[0.1, 0.7, 0.2], [0.5, 0.1, 0.4], [0.3, 0.3, 0.3], [0.0, 0.0, 1.0]]


@pytest.mark.parametrize(
    ("k", "expected"), [(1, [1, 0, 0, 1]), (2, [1, 1, 1, 1]), (3, [1] * 4), (9, [1] * 4)]
)
def test_the_label_is_among_the_k_largest(target, k, expected):
    a, y = target.asarray(A), target.asarray([1, 2, 1, 2], "int32")
    assert host(top_k(k).measured(a, y)).tolist() == expected


def test_equal_outputs_are_ranked_as_argmax_does(target):
    y = target.asarray([0, 1, 2], "int32")
    a = target.asarray(np.full((3, 3), 0.5))
    assert host(top_k(1).measured(a, y)).tolist() == [1, 0, 0]
    assert host(top_k(2).measured(a, y)).tolist() == [1, 1, 0]


def test_an_output_that_is_nan_is_not_among_them():
    a = np.array([[np.nan, 1.0]], np.float32)
    assert top_k(1).measured(a, np.array([0], np.int32)).tolist() == [0.0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("a", "y", "expected"),
    [
        ([[1.0, 2.0], [0.0, 4.0]], [[0.0, 4.0], [0.0, 0.0]], [1.5, 2.0]),
        ([[1.0], [4.0]], [3.0, 4.5], [2.0, 0.5]),
        ([[1.0], [4.0]], [[3.0], [4.5]], [2.0, 0.5]),
    ],
)
def test_the_absolute_error(target, dtype, a, y, expected):
    found = absolute_error.measured(target.asarray(a, dtype), target.asarray(y, dtype))
    assert host(found).tolist() == expected
    assert str(found.dtype).endswith(dtype)


def test_the_absolute_error_takes_labels_as_one_hot_rows(target):
    y = target.asarray([1, 0, 2, 2], "int32")
    found = host(absolute_error.measured(target.asarray(A), y))
    expected = np.abs(np.array(A) - np.eye(3)[[1, 0, 2, 2]]).mean(axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize(("k", "y"), [(3, np.ones((4, 3))), (1, np.ones(4))])
def test_numbers_have_no_rank(k, y):
    with pytest.raises(bpx.InputError, match=r"'top_2' was given targets .*; expected labels"):
        top_k(2).measured(np.ones((4, k)), y)


@pytest.mark.parametrize("k", [0, 1.5, True])
def test_a_k_that_is_no_count(k):
    with pytest.raises(bpx.InputError, match=f"k={k!r} was given"):
        top_k(k)


def test_one_line_in_the_table_is_known_by_name(monkeypatch):
    largest = Metric("largest", lambda a, y: a.max(axis=1))
    monkeypatch.setitem(METRICS, "largest", largest)
    net = bpx.Network([2, 3], seed=0)
    found = net.evaluate(np.ones((4, 2)), [0, 1, 2, 0], metrics=["largest"])
    assert found.metrics["largest"] == pytest.approx(net.predict([[1.0, 1.0]]).max())


def test_names_and_values():
    assert get("top_5") == top_k(5)
    assert get(absolute_error) is absolute_error
    assert check_metrics(["top_5", top_k(2)]) == (top_k(5), top_k(2))
    assert check_metrics(()) == ()
    assert all(name == each.name for name, each in METRICS.items())


class Unhashable:
    __hash__ = None

    def __call__(self, a, y):
        return a[:, 0]


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        (["top5"], r"no metric 'top5' \(did you mean 'top_5'\?\); known: absolute_error"),
        ([len], "no metric <built-in function len>.*pass a bpx.metrics.Metric"),
        ("top_5", r"metrics='top_5' was given; expected a list"),
        (["top_5", top_k(5)], "2 metrics are named 'top_5'"),
        ([Metric("odd", Unhashable())], "'odd' cannot be hashed .* make its value a function"),
    ],
)
def test_what_is_no_metric(metrics, message):
    with pytest.raises(bpx.InputError, match=message):
        check_metrics(metrics)


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
