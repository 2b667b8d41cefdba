"""RMSE and R², against scikit-learn's, and where a difference of sums would cancel."""

import numpy as np
import pytest

import bpx
from tests.backends import Target
from tests.metrics.samples import in_parts_of, numbers, sklearn_metrics


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("outputs", [1, 3])
def test_they_are_those_of_scikit_learn(target, outputs, weighted):
    metrics, case = sklearn_metrics(), numbers(target, outputs)
    s = case.s if weighted else None
    found = case.found("rmse", "r2", "mae", weighted=weighted)
    for name, function in (
        ("rmse", metrics.root_mean_squared_error),
        ("r2", metrics.r2_score),
        ("mae", metrics.mean_absolute_error),
    ):
        expected = function(case.y, case.p, sample_weight=s)
        assert found[name] == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_large_mean_does_not_cancel(monkeypatch, dtype):
    """In float32, the sum of y² has no digit of the spread left; in chunks as well."""
    in_parts_of(7, monkeypatch)
    case = numbers(Target.NUMPY, 1, offset=4096.0, dtype=dtype)
    net = case.net
    net.parameters = (net.weights, [net.biases[0], [4096.0]])
    stored = case.y.astype(dtype).astype("float64")
    p = net.predict(case.x).astype("float64")
    expected = 1.0 - ((stored - p) ** 2).sum() / ((stored - stored.mean()) ** 2).sum()
    found = case.found("r2", weighted=False)["r2"]
    assert found == pytest.approx(expected, abs=1e-4 if dtype == "float32" else 1e-9)


def test_constant_targets():
    """As in scikit-learn: 1 if they are met, 0 if not."""
    net = bpx.Network([1, 1], output="identity", seed=0)
    net.parameters = ([[[0.0]]], [[3.0]])
    x = np.ones((5, 1))
    assert net.evaluate(x, np.full(5, 3.0), metrics=["r2"]).metrics["r2"] == 1.0
    assert net.evaluate(x, np.full(5, 4.0), metrics=["r2"]).metrics["r2"] == 0.0


def test_a_chunk_without_weight(monkeypatch):
    monkeypatch.setattr(
        "bpx.model.evaluate.chunks",
        lambda spec, x: (x[i : i + 30] for i in range(0, len(x), 30)),
    )
    metrics, case = sklearn_metrics(), numbers(Target.NUMPY)
    s = np.where(np.arange(90) < 30, 0.0, case.s)
    found = case._replace(s=s).found("r2")["r2"]
    assert found == pytest.approx(metrics.r2_score(case.y, case.p, sample_weight=s), rel=1e-12)


def test_labels_are_one_hot_rows():
    net = bpx.Network([2, 3], output="softmax", seed=0, dtype="float64")
    x, y = np.random.default_rng(0).standard_normal((9, 2)), np.arange(9) % 3
    off = net.predict(x) - np.eye(3)[y]
    expected = np.sqrt((off**2).mean(axis=0)).mean()
    assert net.evaluate(x, y, metrics=["rmse"]).metrics["rmse"] == pytest.approx(expected)
