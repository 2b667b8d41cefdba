"""One more axis in front, of K networks: each gives what it gives by itself.

Equations, activations, costs, layers, optimizers and metrics, called eagerly on every backend.
Of compiled steps it is `engines/test_stacks.py` that says so.
"""

import numpy as np
import pytest

import bpx
from bpx import equations
from bpx.activations import ACTIVATIONS
from bpx.costs import COSTS
from bpx.layers.layer import Context
from bpx.metrics import METRICS, Metric
from bpx.model import stacks
from bpx.model.expected import as_targets
from bpx.model.measured import sums_of
from bpx.model.metrics import hits
from bpx.model.passes import backward, gradients
from bpx.model.run import Run, costs, saved
from bpx.program.contract import leaves, rebuilt
from bpx.training.step import added, zero_metrics
from tests.backends import host
from tests.optim.links import NEWER
from tests.optim.schedules.rates import EVERY

K, N = 3, 5
RNG = np.random.default_rng(0)
PER_SAMPLE = [*(name for name, each in METRICS.items() if isinstance(each, Metric)), "top_2"]


def drawn(*shape, positive=False):
    x = RNG.standard_normal(shape)
    return np.abs(x) + 0.1 if positive else x


def near(found, expected):
    assert tuple(found.shape) == expected.shape
    np.testing.assert_allclose(host(found), expected, rtol=1e-12, atol=1e-14)


def each(function, target, *arrays):
    """A function of K stacked arrays, against itself of each of the K."""
    found = function(*(target.asarray(x, "float64") for x in arrays))
    alone = [function(*(target.asarray(x[i], "float64") for x in arrays)) for i in range(K)]
    near(found, np.stack([host(x) for x in alone]))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(target, name):
    sigma, z, g, v = ACTIVATIONS[name], drawn(K, N, 4), drawn(K, N, 4), drawn(K, N, 4)
    each(sigma.sigma, target, z)
    each(lambda z, g: sigma.pullback(z, sigma.sigma(z), g), target, z, g)
    each(lambda z, v: sigma.pushforward(z, sigma.sigma(z), v), target, z, v)
    each(lambda z, g, v: sigma.pullback_derivative(z, sigma.sigma(z), g, v), target, z, g, v)


@pytest.mark.parametrize("name", COSTS)
def test_costs(target, name):
    cost = COSTS[name]
    y = drawn(K, N, 4, positive=True)
    y = y / y.sum(axis=-1, keepdims=True)
    for output in cost.outputs or (ACTIVATIONS["identity"],):
        z = drawn(K, N, 4)
        each(lambda z, y: cost.evaluate(output, z, output.sigma(z), y), target, z, y)  # noqa: B023
        each(lambda z, y: cost.delta(output, z, output.sigma(z), y), target, z, y)  # noqa: B023


def test_equations(target):
    w, a, delta, r = drawn(K, 4, 6), drawn(K, N, 6), drawn(K, N, 4), drawn(K, N, 1)
    each(equations.sent, target, w, delta)
    each(equations.bp4, target, r, delta, a)
    b = drawn(K, 4)
    found = equations.forward(*(target.asarray(x, "float64") for x in (w, b[:, None, :], a)))
    near(found, np.stack([a[i] @ w[i].T + b[i] for i in range(K)]))
    summed = equations.bp3(target.asarray(r, "float64"), target.asarray(delta, "float64"))
    near(summed, (r * delta).sum(axis=1, keepdims=True))


def stacked(target, sizes=(6, 5, 3), **settings):
    """K networks, their parameters one behind the other, and each by itself."""
    nets = [bpx.Network(sizes, seed=i, dtype="float64", **settings) for i in range(K)]
    host_parameters = stacks.stacked(nets[0].spec, [net.parameters for net in nets])
    brought = [target.asarray(x, "float64") for x in leaves(host_parameters)]
    return nets, rebuilt(host_parameters, brought)


@pytest.mark.parametrize("own", [True, False], ids=["samples of its own", "the same samples"])
def test_the_passes(target, own):
    """Forward, BP1 to BP4 and the costs; a shared x is broadcast to all networks."""
    settings = {"hidden": "tanh", "output": "softmax", "cost": "cross_entropy"}
    nets, parameters = stacked(target, **settings)
    spec, x, y = nets[0].spec, drawn(K, N, 6), RNG.integers(0, 3, (K, N)).astype("int32")
    x_home = target.asarray(x if own else x[0], "float64")
    y_home = target.asarray(y if own else y[0], "int32")
    layers, targets = saved(spec, parameters, x_home), as_targets(spec, y_home, x_home)
    deltas = backward(Run(spec, parameters, layers, targets))
    found = gradients(1.0 / N, layers, deltas)
    value = costs(spec, layers[-1], targets)
    right = hits("argmax", layers[-1].a, y_home)
    for i, net in enumerate(nets):
        trace = net.backprop(x[i if own else 0], y[i if own else 0])
        np.testing.assert_allclose(host(value)[i], trace.cost, rtol=1e-12)
        answers = trace.a[-1].argmax(axis=-1) == y[i if own else 0]
        np.testing.assert_array_equal(host(right)[i], answers)
        for g, expected in zip(leaves(found), leaves(trace.gradients), strict=True):
            np.testing.assert_allclose(
                host(g)[i].reshape(expected.shape), expected, rtol=1e-11, atol=1e-14
            )


@pytest.mark.parametrize("name", [n for n in METRICS if not isinstance(METRICS[n], Metric)])
@pytest.mark.parametrize("weighted", [False, True])
def test_sums_of_metrics(target, name, weighted):
    spec = bpx.Network([2, 4], output="softmax", seed=0).spec
    a = drawn(K, N, 4, positive=True)
    a = target.asarray(a / a.sum(axis=-1, keepdims=True), "float64")
    y = target.asarray(RNG.integers(0, 4, (K, N)), "int32")
    s = target.asarray(RNG.integers(0, 3, (K, N)) / 2, "float64") if weighted else None

    def sums(a, y, s):
        return sums_of(METRICS[name], spec, "argmax", a, y, s)

    alone = [sums(a[i, ...], y[i, ...], None if s is None else s[i, ...]) for i in range(K)]
    for found, *each in zip(sums(a, y, s), *alone, strict=True):
        near(found, np.stack([host(x) for x in each]))


@pytest.mark.parametrize("name", PER_SAMPLE)
@pytest.mark.parametrize("targets", ["labels", "numbers"])
def test_metrics(target, name, targets):
    a = drawn(K, N, 4)
    y = RNG.integers(0, 4, (K, N)) if targets == "labels" else drawn(K, N, 4)
    y = target.asarray(y, "int32" if targets == "labels" else "float64")
    metric = bpx.metrics.top_k(2) if name == "top_2" else METRICS[name]
    measured = lambda a, y: metric.measured(target.asarray(a, "float64"), y)  # noqa: E731
    if targets == "numbers" and "top" in name:
        with pytest.raises(bpx.InputError, match=r"expected labels, shape \(3, 5\), and more"):
            measured(a, y)
        return
    near(measured(a, y), np.stack([host(measured(a[i], y[i, ...])) for i in range(K)]))


@pytest.mark.parametrize("n", [K, N])
@pytest.mark.parametrize("labels", [False, True])
def test_metrics_of_shared_targets_are_refused(target, n, labels):
    """Numbers (n, k) beside K outputs (n, k) might be taken for labels."""
    y = RNG.integers(0, n, n) if labels else drawn(n, n)
    given = target.asarray(y, "int32" if labels else "float64")
    a = target.asarray(drawn(K, n, n), "float64")
    with pytest.raises(
        bpx.InputError, match=r"outputs of 3 networks.* broadcast shared targets"
    ):
        METRICS["absolute_error"].measured(a, given)


@pytest.mark.parametrize("accuracy", ["argmax", "threshold"])
def test_hits(target, accuracy):
    k = 4 if accuracy == "argmax" else 1
    a, y = drawn(K, N, k), RNG.integers(0, k + (k == 1), (K, N))
    given = target.asarray(y, "int32" if accuracy == "argmax" else "float64")
    found = hits(accuracy, target.asarray(a, "float64"), given)
    right = a.argmax(-1) == y if accuracy == "argmax" else (a[..., 0] > 0.5) == (y > 0.5)
    near(found, right.astype("float64"))


def test_sums_of_a_step_begin_at_zero_for_each_network(target):
    _, parameters = stacked(target)
    for like in (parameters.b[0], parameters.w[0]):
        for each in zero_metrics(like, N, "argmax", weighted=True):
            near(each, np.zeros((K, N)))


@pytest.mark.parametrize(
    "optimizer",
    [
        bpx.SGD(0.1),
        bpx.SGD(0.1, momentum=0.9),
        bpx.SGD(0.1, momentum=0.9, nesterov=True),
        bpx.Adam(0.1),
        bpx.AdamW(0.1, decay=0.1),
        bpx.optim.chain(bpx.optim.clip_by_global_norm(0.5), bpx.SGD(0.1)),
        bpx.SGD(bpx.optim.warmup_cosine(0.1, warmup=2, steps=5)),
        bpx.SGD(EVERY),
        *NEWER.values(),
    ],
    ids=[
        "sgd",
        "momentum",
        "nesterov",
        "adam",
        "adamw",
        "clipped",
        "scheduled",
        "schedules",
        *NEWER,
    ],
)
def test_optimizers(target, optimizer):
    """Numbers have shape (K, 1, 1); a norm is each network's own."""
    nets, parameters = stacked(target)
    state, alone = (
        optimizer.init(parameters),
        [(n.parameters, optimizer.init(n.parameters)) for n in nets],
    )
    for _ in range(12):
        updates, state = optimizer.update(_slope(parameters), state, parameters)
        parameters = added(parameters, updates)
        for i, (own, kept) in enumerate(alone):
            moved, kept = optimizer.update(_slope(own), kept, own)
            alone[i] = added(own, moved), kept
    for i, (own, _) in enumerate(alone):
        for x, expected in zip(leaves(parameters), leaves(own), strict=True):
            np.testing.assert_allclose(
                host(x)[i].reshape(expected.shape), expected, rtol=1e-11, atol=1e-14
            )
    numbers = [x for x in leaves(state) if tuple(x.shape) == (K, 1, 1)]
    assert numbers


def _slope(parameters):
    return bpx.optim.mapped(lambda w: w * w * w - 2.0 * w + 0.3, parameters)


def test_the_end_of_a_block(target):
    layer, f, skip = bpx.layers.Add(4, 1), drawn(K, N, 4), drawn(K, N, 4)
    each(lambda *pair: layer.forward((), pair, Context()).a, target, f, skip)
    shared = target.asarray(skip[0], "float64")  # what enters a block may be the samples
    found = layer.forward((), (target.asarray(f, "float64"), shared), Context())
    near(found.a, f + skip[0])


def test_dropout(target):
    layer, x = bpx.Dropout(4, 0.5), target.asarray(drawn(K, N, 4), "float64")
    context = Context(True, target.asarray([1, 2], "int32"), target.asarray([0], "int32"))
    found = layer.forward((), x, context)
    mask = host(found.mask)
    assert mask.shape == (K, N, 4)
    assert not np.array_equal(mask[0], mask[1])  # each network drops its own
    np.testing.assert_array_equal(host(found.a), mask * host(x))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("training", [False, True])
def test_batch_norm(target, training, weighted):
    """Each network has its own parameters, averages included, and its own statistics."""
    layer, x, g = bpx.BatchNorm(4), drawn(K, N, 4), drawn(K, N, 4)
    arrays = {name: drawn(K, 1, 4, positive=True) for name in layer.shapes}
    r = drawn(K, N, 1, positive=True) if weighted else None
    p = layer.entry({name: target.asarray(v, "float64") for name, v in arrays.items()})
    x_home, g_home = (target.asarray(each, "float64") for each in (x, g))
    r_home = None if r is None else target.asarray(r, "float64")
    saved = layer.forward(p, x_home, Context(training, r=r_home))
    found = saved.gradients(1.0 / N, g_home)
    sent = layer.send_back(p, saved, layer.error(saved, g_home))
    after = layer.averaged(p, saved) if training else p
    for i in range(K):
        own = layer.entry({name: v[i, 0] for name, v in arrays.items()})
        alone = layer.forward(own, x[i], Context(training, r=None if r is None else r[i]))
        near(saved.a[i, ...], alone.a)
        near(sent[i, ...], layer.send_back(own, alone, g[i]))
        pairs = zip(found[:2], alone.gradients(1.0 / N, g[i])[:2], strict=True)
        for one, expected in pairs:
            near(one[i, ...], expected[None, :])
        moved = layer.averaged(own, alone) if training else own
        for one, expected in zip(after, moved, strict=True):
            near(one[i, ...], expected[None, :])


def test_layer_norm(target):
    """Each network has its own gamma and beta, (K, 1, k), and their gradients."""
    layer, x, g = bpx.LayerNorm(4), drawn(K, N, 4), drawn(K, N, 4)
    gamma, beta = drawn(K, 1, 4), drawn(K, 1, 4)
    at_home = [target.asarray(each, "float64") for each in (gamma, beta, x, g)]
    p = layer.entry({"gamma": at_home[0], "beta": at_home[1]})
    saved = layer.forward(p, at_home[2], Context(True))
    found = saved.gradients(1.0 / N, at_home[3])
    sent = layer.send_back(p, saved, layer.error(saved, at_home[3]))
    for i in range(K):
        own = layer.entry({"gamma": gamma[i, 0], "beta": beta[i, 0]})
        alone = layer.forward(own, x[i], Context(True))
        near(saved.a[i, ...], alone.a)
        near(sent[i, ...], layer.send_back(own, alone, g[i]))
        for one, expected in zip(found, alone.gradients(1.0 / N, g[i]), strict=True):
            near(one[i, ...], expected[None, :])
