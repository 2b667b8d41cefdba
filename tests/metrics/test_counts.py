"""Precision, recall, F1 and the confusion matrix, against scikit-learn's."""

import numpy as np
import pytest

import bpx
from tests.backends import Target
from tests.metrics.samples import classes, in_parts_of, sklearn_metrics

MEASURES = ("precision", "recall", "f1")
AVERAGES = ("macro", "micro", "weighted")


def theirs(metrics, name, case, s, average):
    function = getattr(metrics, f"{name}_score")
    return function(case.y, case.answers, average=average, sample_weight=s, zero_division=0)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("count", [2, 4])
def test_they_are_those_of_scikit_learn(target, count, weighted):
    metrics, case = sklearn_metrics(), classes(target, count)
    s = case.s if weighted else None
    names = [f"{each}_{average}" for each in MEASURES for average in AVERAGES]
    found = case.found(*names, "confusion_matrix", weighted=weighted)
    for name in names:
        measure, _, average = name.partition("_")
        expected = theirs(metrics, measure, case, s, average)
        assert found[name] == pytest.approx(expected, rel=1e-12)
    expected = metrics.confusion_matrix(
        case.y, case.answers, labels=range(count), sample_weight=s
    )
    np.testing.assert_allclose(found["confusion_matrix"], expected, rtol=1e-12)
    assert isinstance(found["confusion_matrix"], np.ndarray)


@pytest.mark.parametrize(
    "form", [{}, {"output": "softmax"}, {"cost": "hinge", "output": "identity"}]
)
def test_two_classes(target, form):
    metrics, case = sklearn_metrics(), classes(target, 2)
    if form:
        sizes = [3, 5, 2 if form["output"] == "softmax" else 1]
        net = target.network(
            sizes, seed=1, dtype="float64", **{"cost": "cross_entropy", **form}
        )
        case = case._replace(net=net, answers=np.asarray(bpx.to_host(net.classify(case.x))))
    found = case.found(*MEASURES)
    assert 0 < case.answers.sum() < len(case.answers)
    for name in MEASURES:
        expected = theirs(metrics, name, case, case.s, "binary")
        assert found[name] == pytest.approx(expected, rel=1e-12)


def test_a_class_that_is_never_answered_counts_0():
    metrics, case = sklearn_metrics(), classes(Target.NUMPY, 4)
    net = case.net
    net.parameters = (net.weights, [*net.biases[:-1], [50.0, 0.0, 0.0, 0.0]])
    case = case._replace(answers=net.classify(case.x))
    assert set(case.answers) == {0}
    found = case.found("f1_macro", "precision_macro", "recall_weighted")
    assert found["f1_macro"] == pytest.approx(theirs(metrics, "f1", case, case.s, "macro"))
    assert 0.0 < found["f1_macro"] < 0.25


def test_a_class_that_never_occurs_is_left_out_of_the_mean():
    metrics, case = sklearn_metrics(), classes(Target.NUMPY, 4)
    kept = (case.y != 3) & (case.answers != 3)
    case = case._replace(**{k: getattr(case, k)[kept] for k in ("x", "y", "s", "answers")})
    found = case.found("f1_macro")["f1_macro"]
    assert found == pytest.approx(theirs(metrics, "f1", case, case.s, "macro"), rel=1e-12)


def test_several_classes_have_no_f1_of_their_own():
    case = classes(Target.NUMPY, 4)
    with pytest.raises(
        bpx.InputError,
        match=r"'f1' is for two classes, but the network has 4; "
        r"use f1_macro or f1_micro or f1_weighted",
    ):
        case.found("f1")


def test_numbers_have_no_classes():
    net = bpx.Network([2, 2], output="identity", seed=0)
    with pytest.raises(bpx.InputError, match=r"'f1_macro' was given targets that are numbers"):
        net.evaluate(np.ones((3, 2)), np.full((3, 2), 0.5), metrics=["f1_macro"])


def test_it_is_summed_over_chunks(monkeypatch):
    case = classes(Target.NUMPY, 4)
    whole = case.found("confusion_matrix", "f1_macro")
    in_parts_of(7, monkeypatch)
    parts = case.found("confusion_matrix", "f1_macro")
    assert np.array_equal(whole["confusion_matrix"], parts["confusion_matrix"])
    assert whole["f1_macro"] == parts["f1_macro"]


def test_training_tells_them_of_the_validation_samples(target):
    case = classes(target, 4)
    history = case.net.fit(
        case.x, case.y, epochs=2, batch_size=20, optimizer=bpx.SGD(0.1), seed=0,
        validation=(case.x, case.y), metrics=["f1_macro", "confusion_matrix", "roc_auc_ovr"],
        compile=target.value.compile,
    )  # fmt: skip
    last = history[-1].validation.metrics
    assert last["f1_macro"] == case.found("f1_macro", weighted=False)["f1_macro"]
    assert last["confusion_matrix"].sum() == len(case.y)
