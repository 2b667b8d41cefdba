"""The training step: pure, hashable, and what the book's five steps say."""

import numpy as np

import bpx
from bpx.optim.limits import penalised
from bpx.training.step import Data, Metrics, State, TrainingStep, zero_metrics
from tests.backends import host

SGD = bpx.SGD(0.5)


def parts(target, optimizer=SGD, decay=None):
    net = target.network([4, 3, 2], seed=0, dtype="float64")
    rng = np.random.default_rng(1)
    data = Data(
        target.asarray(rng.random((6, 4)), "float64"),
        target.asarray(rng.integers(0, 2, 6), "int32"),
    )
    metrics = zero_metrics(net.biases[0], 3, "argmax")
    optimizer = penalised(optimizer, decay)
    state = State(net.parameters, optimizer.init(net.parameters), metrics)
    return net, data, state, TrainingStep(net.spec, optimizer.update, "argmax")


def test_a_step_is_backprop_and_an_update(target):
    net, data, state, step = parts(target)
    rows = target.asarray([4, 0, 2], "int32")
    after = step(state, data, rows)
    picked = [4, 0, 2]
    x, y = host(data.x)[picked], host(data.y)[picked]
    trace = net.backprop(target.asarray(x, "float64"), target.asarray(y, "int32"))
    for w, g, new in zip(net.weights, trace.gradients.w, after.parameters.w, strict=True):
        np.testing.assert_allclose(host(new), host(w) - 0.5 * host(g), rtol=1e-12)
    np.testing.assert_allclose(host(after.metrics.cost), host(trace.cost), rtol=1e-12)
    right = host(trace.a[-1]).argmax(1) == y
    np.testing.assert_array_equal(host(after.metrics.hits), right.astype(float))


def test_sample_weights_are_row_weights(target):
    """r = s / m, where m is the batch; the metrics sum up s C, s times the hits, and s."""
    net, data, state, step = parts(target)
    s = np.array([1.0, 0.5, 2.0, 0.0, 0.0, 3.0])
    data = data._replace(s=target.asarray(s, "float64"))
    state = state._replace(metrics=zero_metrics(net.biases[0], 3, "argmax", weighted=True))
    picked = [4, 0, 2]
    after = step(state, data, target.asarray(picked, "int32"))
    x, y, s = host(data.x)[picked], host(data.y)[picked], s[picked]
    r = target.asarray(s[:, None] / 3, "float64")
    trace = net.backprop(target.asarray(x, "float64"), target.asarray(y, "int32"), r=r)
    moved = zip(
        (*net.weights, *net.biases),
        (*trace.gradients.w, *trace.gradients.b),
        (*after.parameters.w, *after.parameters.b),
        strict=True,
    )
    for w, g, new in moved:
        np.testing.assert_allclose(host(new), host(w) - 0.5 * host(g), rtol=1e-12)
    right = host(trace.a[-1]).argmax(1) == y
    np.testing.assert_allclose(host(after.metrics.cost), s * host(trace.cost), rtol=1e-12)
    np.testing.assert_array_equal(host(after.metrics.hits), s * right)
    np.testing.assert_array_equal(host(after.metrics.weights), s)


def test_the_sums_run_on(target):
    _, data, state, step = parts(target)
    rows = target.asarray([4, 0, 2], "int32")
    once = step(state, data, rows)
    twice = step(once._replace(parameters=state.parameters), data, rows)
    np.testing.assert_allclose(
        host(twice.metrics.cost), 2 * host(once.metrics.cost), rtol=1e-12
    )


def test_a_step_writes_nothing(target):
    _, data, state, step = parts(target, bpx.Adam())
    before = [host(p) for p in (*state.parameters.w, *state.optimizer.m.w, state.optimizer.t)]
    step(state, data, target.asarray([1, 2, 3], "int32"))
    after = [host(p) for p in (*state.parameters.w, *state.optimizer.m.w, state.optimizer.t)]
    for b, a in zip(before, after, strict=True):
        np.testing.assert_array_equal(b, a)


def test_equal_steps_are_equal_whatever_their_numbers():
    spec = bpx.Network([4, 3, 2], seed=0).spec
    again = bpx.Network([4, 3, 2], seed=1).spec
    one = TrainingStep(spec, bpx.SGD(3.0).update, "argmax")
    assert one == TrainingStep(again, bpx.SGD(0.1).update, "argmax")
    assert hash(one) == hash(TrainingStep(again, bpx.SGD(0.1).update, "argmax"))
    assert one != TrainingStep(spec, bpx.SGD(3.0, momentum=0.5).update, "argmax")
    assert one != TrainingStep(bpx.Network([4, 2, 2]).spec, bpx.SGD(3.0).update, "argmax")


def test_without_accuracy_there_are_no_hits(target):
    net = target.network([4, 2], seed=0)
    assert zero_metrics(net.biases[0], 5, None).hits is None
    assert zero_metrics(net.biases[0], 5, None, weighted=True).weights is None
    assert zero_metrics(net.biases[0], 5, "argmax").weights is None
    metrics = zero_metrics(net.biases[0], 5, "argmax")
    assert isinstance(metrics, Metrics)
    assert host(metrics.cost).tolist() == [0.0] * 5
