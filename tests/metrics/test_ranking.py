"""Metrics of the order of the samples, which are scikit-learn's own."""

import numpy as np
import pytest

import bpx
from tests.backends import Target
from tests.metrics.samples import classes, in_parts_of, sklearn_metrics


@pytest.mark.parametrize("weighted", [False, True])
def test_two_classes(target, weighted):
    metrics, case = sklearn_metrics(), classes(target, 2)
    s = case.s if weighted else None
    found = case.found("roc_auc", "average_precision", "roc_auc_ovr", weighted=weighted)
    expected = metrics.roc_auc_score(case.y, case.p[:, 0], sample_weight=s)
    assert found["roc_auc"] == found["roc_auc_ovr"] == pytest.approx(expected, rel=1e-12)
    expected = metrics.average_precision_score(case.y, case.p[:, 0], sample_weight=s)
    assert found["average_precision"] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_several_classes(target, weighted):
    metrics, case = sklearn_metrics(), classes(target, 4)
    s = case.s if weighted else None
    expected = metrics.roc_auc_score(case.y, case.p, multi_class="ovr", sample_weight=s)
    found = case.found("roc_auc_ovr", weighted=weighted)["roc_auc_ovr"]
    assert found == pytest.approx(expected, rel=1e-12)
    with pytest.raises(
        bpx.InputError, match=r"'roc_auc' is for two classes, .* use roc_auc_ovr"
    ):
        case.found("roc_auc")


@pytest.mark.parametrize(
    "form",
    [
        {"sizes": [3, 2], "output": "softmax", "cost": "cross_entropy"},
        {"sizes": [3, 2], "output": "identity", "cost": "categorical_hinge"},
        {"sizes": [3, 1], "output": "identity", "cost": "hinge"},
    ],
)
def test_any_output_ranks_two_classes(form):
    metrics, case = sklearn_metrics(), classes(Target.NUMPY, 2)
    net = bpx.Network(form.pop("sizes"), seed=2, dtype="float64", **form)
    a = net.predict(case.x)
    scores = a[:, 0] if a.shape[1] == 1 else a[:, 1] - a[:, 0]
    found = case._replace(net=net).found("roc_auc")["roc_auc"]
    expected = metrics.roc_auc_score(case.y, scores, sample_weight=case.s)
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", ["roc_auc", "average_precision"])
def test_one_class_alone_has_no_order(name):
    sklearn_metrics()
    case = classes(Target.NUMPY, 2)
    found = case._replace(y=np.zeros_like(case.y)).found(name)[name]
    assert np.isnan(found)


def test_chunks_are_joined(monkeypatch):
    sklearn_metrics()
    case = classes(Target.NUMPY, 4)
    whole = case.found("roc_auc_ovr")
    in_parts_of(7, monkeypatch)
    assert case.found("roc_auc_ovr") == whole
