"""Metrics by their names, and what is no metric."""

import numpy as np
import pytest

import bpx
from bpx.metrics import METRICS, Metric, absolute_error, check_metrics, get, top_k


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
        ([len], r"no metric <built-in function len>.*or bpx.metrics.Metric\(name, value\)$"),
        (["top_k(3)"], r"'top_k\(3\)'.*; or pass a value: bpx.metrics.top_k\(3\), bpx.metrics"),
        ("top_5", r"metrics='top_5' was given; expected a list"),
        (["top_5", top_k(5)], "2 metrics are named 'top_5'"),
        ([Metric("cost", len)], "a metric is named 'cost', the name of a value that is always"),
        ([Metric("accuracy", len)], "a metric is named 'accuracy', the name of .*; rename it"),
        ([Metric("odd", Unhashable())], "'odd' cannot be hashed .* make its value a function"),
    ],
)
def test_what_is_no_metric(metrics, message):
    with pytest.raises(bpx.InputError, match=message):
        check_metrics(metrics)


def test_metrics_by_scikit_learn_say_where_it_is_missing(monkeypatch):
    monkeypatch.setattr(bpx.metrics.ranking, "find_spec", lambda name: None)
    with pytest.raises(bpx.InputError, match=r"'roc_auc' needs scikit-learn, .* pip install"):
        check_metrics(["f1", "roc_auc"])
    assert len(check_metrics(["f1", "log_loss"])) == 2
