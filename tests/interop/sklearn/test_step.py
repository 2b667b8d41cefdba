"""The penalty of each batch: alpha over its weight, in its gradient and its cost."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the step is for scikit-learn's estimators")

import bpx
from bpx.interop.sklearn.step import PenalisedData, PenalisedStep
from bpx.program.contract import eager
from bpx.training.start import first_state
from bpx.training.step import TrainingStep, zero_metrics
from tests.backends import host

ALPHA = 0.7


def one_step(target, s, alpha, share=1.0):
    """One step of descent on 5 of 8 samples: the network before, the samples, what came out."""
    net = target.network([3, 4, 2], output="identity", seed=1, dtype="float64")
    random = np.random.default_rng(0)
    x, y = random.standard_normal((8, 3)), random.standard_normal((8, 2))
    rows = np.array([[4, 1, 7, 2, 0]])
    optimizer = bpx.SGD(1.0)
    home = net.home
    arrays = [None if a is None else home.asarray(a) for a in (x, y, s, alpha)]
    step = PenalisedStep(
        TrainingStep(net.spec, optimizer.update, None), optimizer.update, share
    )
    with home.active():
        state = first_state(net.spec, net.parameters, (), optimizer)
        state = state._replace(metrics=zero_metrics(net.biases[0], 5, None))
        scan = home.scan() if target.value.compile else eager
        moved = scan(step, state, PenalisedData(*arrays), home.asarray(rows, "int32"), 0, 1)
    picked = rows[0]
    return net, (x[picked], y[picked]), moved.parameters, float(host(moved.metrics.cost).sum())


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("penalised", [False, True])
def test_it_is_one_step_down_the_penalised_mean_cost(target, weighted, penalised):
    s = np.array([0.0, 2.0, 0.5, 9.0, 1.0, 9.0, 9.0, 3.0]) if weighted else None
    net, (x, y), after, cost = one_step(target, s, [ALPHA] if penalised else None, share=0.5)
    picked = np.ones(5) if s is None else s[[4, 1, 7, 2, 0]]
    total, alpha = picked.sum(), ALPHA if penalised else 0.0
    trace = net.backprop(
        *(net.home.asarray(a) for a in (x, y)), r=net.home.asarray(picked[:, None] / total)
    )
    squares = sum((host(w) ** 2).sum() for w in net.weights)
    for w, g, moved in zip(net.weights, trace.gradients.w, after.w, strict=True):
        expected = host(w) - host(g) - alpha / total * host(w)
        np.testing.assert_allclose(host(moved), expected, rtol=1e-12)
    for b, g, moved in zip(net.biases, trace.gradients.b, after.b, strict=True):
        np.testing.assert_allclose(host(moved), host(b) - host(g), rtol=1e-12)
    mean = (0.5 * (picked * host(trace.cost)).sum() + 0.5 * alpha * squares) / total
    assert cost == pytest.approx(5 * mean, rel=1e-12)


def test_a_batch_without_weight_changes_nothing(target):
    net, _, after, cost = one_step(target, np.zeros(8), [ALPHA])
    for w, moved in zip(net.weights, after.w, strict=True):
        np.testing.assert_array_equal(host(w), host(moved))
    assert cost == 0.0
