"""Dropout: its masks, its half of BP2, and that every engine fuses it."""

import logging

import numpy as np
import pytest

import bpx
from bpx import inspect, random
from bpx.layers.layer import Context
from bpx.program.contract import leaves
from tests.backends import Target, host

SIZES = [6, 20, 10, 3]
SETTINGS = {"epochs": 3, "batch_size": 7, "optimizer": bpx.Adam(0.01), "lmbda": 0.1, "seed": 1}


def network(target=Target.NUMPY, dropout=(0.2, 0.5), dtype="float64", **settings):
    settings = {"hidden": "relu", "output": "softmax", "cost": "cross_entropy"} | settings
    return target.network(SIZES, dropout=dropout, seed=0, dtype=dtype, **settings)


def samples(n=45):  # of two shapes: the last batch is ragged
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, 6)), rng.integers(0, 3, n).astype("int32")


def drawing(target, step=0):
    key = target.asarray(random.key_words(5), "int32")
    return Context(True, key, target.asarray([step], "int32"))


def test_a_unit_is_dropped_or_scaled_up(target):
    layer, x = bpx.Dropout(50, 0.2), target.asarray(np.ones((40, 50)), "float64")
    saved = layer.forward((), x, drawing(target))
    values, counts = np.unique(host(saved.a), return_counts=True)
    np.testing.assert_allclose(values, [0.0, 1.25])
    assert abs(counts[0] / 2000 - 0.2) < 0.04  # more than four deviations
    np.testing.assert_array_equal(host(saved.mask), host(saved.a))


def test_the_masks_are_the_same_on_every_backend_and_others_at_each_step(target):
    layer = bpx.Dropout(7, 0.5)
    ones = np.ones((5, 7))
    here = layer.forward((), ones, drawing(Target.NUMPY)).mask
    there = layer.forward((), target.asarray(ones, "float64"), drawing(target)).mask
    np.testing.assert_array_equal(host(there), here)
    later = layer.forward((), target.asarray(ones, "float64"), drawing(target, 1)).mask
    assert not np.array_equal(host(later), here)


def test_what_is_sent_back_is_masked(target):
    layer, rng = bpx.Dropout(7, 0.5), np.random.default_rng(2)
    x, g = (target.asarray(rng.standard_normal((5, 7)), "float64") for _ in range(2))
    saved = layer.forward((), x, drawing(target))
    sent = layer.send_back((), saved, layer.error(saved, g))
    np.testing.assert_array_equal(host(sent), host(saved.mask) * host(g))


def test_nothing_is_dropped_outside_training(target):
    net, plain = network(target), network(target, dropout=0.0)
    x, y = samples()
    assert net.spec != plain.spec
    np.testing.assert_array_equal(host(net.predict(x)), host(plain.predict(x)))
    assert net.evaluate(x, y) == plain.evaluate(x, y)
    at_home = target.asarray(x, "float64"), target.asarray(y, "int32")
    ours, theirs = net.backprop(*at_home), plain.backprop(*at_home)
    for one, other in zip(leaves(ours.gradients), leaves(theirs.gradients), strict=True):
        np.testing.assert_array_equal(host(one), host(other))
    assert [tuple(z.shape) for z in ours.z] == [(45, 20), (45, 10), (45, 3)]
    assert [tuple(a.shape) for a in ours.a] == [(45, 6), (45, 20), (45, 10), (45, 3)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_engine_fuses_it(target, dtype, caplog):
    """The log says when a step cannot be compiled: it says nothing."""
    x, y = samples()
    nets = [network(target, dtype=dtype) for _ in range(2)]
    with caplog.at_level(logging.WARNING, "bpx"):
        nets[0].fit(x, y, **SETTINGS, compile=target.value.compile)
    assert not caplog.records
    nets[1].fit(x, y, **SETTINGS, compile=False)
    there = network(dtype=dtype)
    there.fit(x, y, **SETTINGS, compile=False)
    within = {"float32": 2e-5, "float64": 1e-12}[dtype]
    for a, b, c in zip(*(leaves(n.parameters) for n in (*nets, there)), strict=True):
        for one, other in ((a, b), (b, c)):
            off = np.linalg.norm(host(one) - host(other))
            assert off <= within * np.linalg.norm(host(other))


def test_numba_fuses_it_too(monkeypatch, caplog):
    pytest.importorskip("numba", reason="numba is not installed")
    monkeypatch.setenv("BPX_NUMBA", "on")
    x, y = samples()
    net, eager = network(), network()
    with caplog.at_level(logging.WARNING, "bpx"):
        net.fit(x, y, **SETTINGS)
    assert not caplog.records
    eager.fit(x, y, **SETTINGS, compile=False)
    for a, b in zip(leaves(net.parameters), leaves(eager.parameters), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)


def test_another_seed_drops_others_and_the_same_the_same():
    x, y = samples()
    nets = [network() for _ in range(3)]
    for net, seed in zip(nets, (1, 1, 2), strict=True):
        net.fit(x, y, **SETTINGS | {"seed": seed, "batch_size": 45}, shuffle=False)
    one, same, other = (net.weights[0] for net in nets)
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_the_first_step_against_plain_numpy():
    """Backpropagation by hand, with the masks that the layers draw."""
    net = network(dropout=0.5, hidden="tanh")
    (x, y), w, b = samples(9), net.weights, net.biases
    base = np.array(random.key_words(1), "int32")
    a, masks, fed = x, [], []
    for layer in range(2):
        key, zero = random.fold_in(base, 2 * layer + 1), np.zeros(1, "int32")
        masks.append(2.0 * random.bernoulli(key, zero, (9, SIZES[layer + 1]), 0.5))
        fed.append(a)
        a = np.tanh(a @ w[layer].T + b[layer]) * masks[-1]
    z = a @ w[2].T + b[2]
    p = np.exp(z - z.max(axis=1, keepdims=True))
    delta = p / p.sum(axis=1, keepdims=True) - np.eye(3)[y]
    kept = np.tanh(fed[1] @ w[1].T + b[1])
    delta_1 = (delta @ w[2]) * masks[1] * (1.0 - kept**2)
    expected = w[1] - 0.5 * delta_1.T @ fed[1] / 9
    net.fit(x, y, epochs=1, batch_size=9, optimizer=bpx.SGD(0.5), seed=1, shuffle=False)
    np.testing.assert_allclose(net.weights[1], expected, rtol=1e-10, atol=1e-13)


def test_its_equations_and_those_around_it_are_right():
    report = inspect.check(network())
    assert report.ok, str(report)
    assert {"BP2", "R2"} <= {row.equation for row in report.rows if row.part == "dropout"}


def test_norms_clipping_and_curvature_are_those_of_the_network_without():
    net, plain, (x, y) = network(), network(dropout=0.0), samples(8)
    ours, theirs = net.backprop(x, y), plain.backprop(x, y)
    np.testing.assert_array_equal(inspect.gradient_norms(ours), inspect.gradient_norms(theirs))
    pairs = zip(
        leaves(bpx.privacy.clipped_sum(ours, (0.1, 0.2, 0.3))),
        leaves(bpx.privacy.clipped_sum(theirs, (0.1, 0.2, 0.3))),
        strict=True,
    )
    assert all(np.array_equal(a, b) for a, b in pairs)
    given = [(n.spec, n.parameters, t, y) for n, t in ((net, ours), (plain, theirs))]
    products = [
        inspect.hessian_vector_product(*each, bpx.Gradients(theirs.gradients.layers))
        if n is plain
        else inspect.hessian_vector_product(*each, ours.gradients)
        for n, each in zip((net, plain), given, strict=True)
    ]
    for a, b in zip(*map(leaves, products), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("rule", ["fa", "dfa", "brsf", "kp"])
def test_with_other_feedback_too(rule, target):
    x, y = samples()
    nets = [network(target, feedback=rule) for _ in range(2)]
    for net, compile_ in zip(nets, (target.value.compile, False), strict=True):
        net.fit(x, y, **SETTINGS, compile=compile_)
    for a, b in zip(*(leaves(n.parameters) for n in nets), strict=True):
        np.testing.assert_allclose(host(a), host(b), rtol=1e-10, atol=1e-12)


def test_private_training_clips_what_was_dropped(target):
    pytest.importorskip("dp_accounting", reason="dp-accounting is not installed")
    x, y = samples()
    net = network(target)
    private = bpx.privacy.DPSGD(noise_multiplier=0.5, seed=3)
    settings = {"epochs": 2, "batch_size": 15, "optimizer": bpx.SGD(0.1)}
    history = net.fit(x, y, **settings, privacy=private, compile=target.value.compile)
    assert history[-1].privacy is not None
    assert all(np.isfinite(host(w)).all() for w in net.weights)


def test_it_is_saved_with_its_rate(tmp_path):
    net, (x, _) = network(dropout=[0.25, 0.0]), samples()
    net.save(tmp_path / "net")
    again = bpx.load(tmp_path / "net")
    assert again.spec == net.spec
    assert [layer.kind for layer in again.spec.layers] == ["dense", "dropout", "dense", "dense"]
    np.testing.assert_array_equal(again.predict(x), net.predict(x))


@pytest.mark.parametrize(
    ("dropout", "said"),
    [
        (1.0, r"dropout=1.0 was given; expected a number in \[0, 1\)"),
        (-0.1, r"dropout=-0.1 was given"),
        ([0.1], r"1 rates of dropout were given for 2 hidden layers"),
        ("0.2", r"dropout='0.2' was given"),
    ],
)
def test_what_is_no_rate_is_refused(dropout, said):
    with pytest.raises(bpx.InputError, match=said):
        network(dropout=dropout)
