"""The log-loss, the Brier score and the calibration error."""

import numpy as np
import pytest

import bpx
from tests.backends import Target
from tests.metrics.samples import classes, sklearn_metrics


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("count", [2, 4])
def test_they_are_those_of_scikit_learn(target, count, weighted):
    metrics, case = sklearn_metrics(), classes(target, count)
    s = case.s if weighted else None
    found = case.found("log_loss", "brier", weighted=weighted)
    p = case.p[:, 0] if count == 2 else case.p
    expected = metrics.log_loss(case.y, p, sample_weight=s)
    assert found["log_loss"] == pytest.approx(expected, rel=1e-12)
    if count == 2:
        expected = metrics.brier_score_loss(case.y, p, sample_weight=s)
    else:
        expected = np.average(((p - np.eye(4)[case.y]) ** 2).sum(axis=1), weights=s)
    assert found["brier"] == pytest.approx(expected, rel=1e-12)


def binned(p, y, s, bins):
    """The definition, bin by bin."""
    surest, right = p.max(axis=1), p.argmax(axis=1) == y
    place, off = np.minimum((surest * bins).astype(int), bins - 1), 0.0
    for each in range(bins):
        w = s * (place == each)
        if w.sum():
            off += abs((w * surest).sum() - (w * right).sum())
    return off / s.sum()


@pytest.mark.parametrize("bins", [1, 10, 15])
@pytest.mark.parametrize("count", [2, 4])
def test_the_calibration_error(target, count, bins):
    case = classes(target, count)
    p = np.hstack([1.0 - case.p, case.p]) if count == 2 else case.p
    metric = bpx.metrics.calibration_error(bins)
    found = case.found(metric)[metric.name]
    assert found == pytest.approx(binned(p, case.y, case.s, bins), rel=1e-10)
    assert (metric.name == "calibration_error") == (bins == 15)


def test_certainty_is_in_the_last_bin():
    net = bpx.Network([1, 1], output="sigmoid", cost="cross_entropy", seed=0)
    net.parameters = ([[[1000.0]]], [[0.0]])
    x, names = np.array([[1.0], [-1.0], [1.0], [-1.0]]), ["calibration_error", "log_loss"]
    found = net.evaluate(x, [1, 0, 1, 1], metrics=names).metrics
    assert found["calibration_error"] == pytest.approx(0.25)
    assert found["log_loss"] == pytest.approx(-np.log(np.finfo("float32").eps) / 4, rel=1e-4)


@pytest.mark.parametrize("name", ["log_loss", "brier", "calibration_error"])
@pytest.mark.parametrize(("sizes", "output"), [([3, 4], "sigmoid"), ([3, 4], "identity")])
def test_outputs_that_are_no_distribution(name, sizes, output):
    net = bpx.Network(sizes, output=output, seed=0)
    with pytest.raises(
        bpx.InputError, match=rf"'{name}' needs probabilities .* {output}, gives"
    ):
        net.evaluate(np.ones((3, 3)), [0, 1, 2], metrics=[name])


@pytest.mark.parametrize("bins", [0, 2.5, True])
def test_bins_that_are_no_count(bins):
    with pytest.raises(bpx.InputError, match="bins="):
        bpx.metrics.calibration_error(bins)


def test_a_custom_output_is_trusted():
    own = bpx.Rowwise("own", bpx.activations.softmax.sigma, bpx.activations.softmax.pull)
    case = classes(Target.NUMPY, 4, output=own, cost="quadratic")
    assert 0.0 < case.found("brier")["brier"] < 2.0
