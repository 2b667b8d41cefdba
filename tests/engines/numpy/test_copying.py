"""A plan without kernels that stays bound: the bits of one that is bound at each call."""

import numpy as np
import pytest

import bpx
from bpx.program.contract import leaves
from bpx_backends.engines.numpy import copying, engine
from bpx_backends.engines.numpy.bound import Given
from tests.peers import random_samples

PLAIN = {"hidden": "relu", "output": "softmax", "cost": "cross_entropy"}
RULES = {
    "plain": bpx.SGD(0.1),
    "adam": bpx.Adam(),
    "free": bpx.optim.ScheduleFreeAdamW(),
    "scheduled": bpx.Adam(bpx.optim.cosine_decay_schedule(0.1, steps=50)),
}


@pytest.fixture(autouse=True)
def _without_numba(monkeypatch):
    monkeypatch.setenv("BPX_NUMBA", "off")


@pytest.fixture
def bound(monkeypatch):
    """How often plans were bound to arrays."""
    found, bind = [], Given.bound
    monkeypatch.setattr(Given, "bound", lambda self: found.append(1) or bind(self))
    return found


def batches(net, sizes):
    x, y = random_samples(net, 40)
    return [(x[i : i + m], y[i : i + m]) for i, m in enumerate(sizes)]


@pytest.mark.parametrize("settings", [{}, {"dropout": 0.5}, {"norm": "batch"}])
@pytest.mark.parametrize("rule", RULES)
def test_it_has_the_bits_of_the_engine(rule, settings, monkeypatch):
    found = []
    for make in (engine.session, lambda: engine.scan):
        monkeypatch.setattr("bpx_backends._numpy.session", make)
        net = bpx.Network([4, 7, 3], seed=0, backend="numpy", **PLAIN, **settings)
        trainer = bpx.Trainer(net, optimizer=RULES[rule], seed=0)
        results = [trainer.step(*each) for each in batches(net, [8, 8, 5, 8, 5, 8])]
        costs = [result.cost for result in results]
        found.append([*leaves(trainer.state.arrays), *net.weights, *costs])
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_plan_is_bound_once_for_many_calls(bound):
    net = bpx.Network([4, 7, 3], seed=0, backend="numpy", **PLAIN)
    x, y = random_samples(net, 24)
    net.fit(x, y, epochs=50, batch_size=24, optimizer=bpx.Adam(), seed=0)
    assert len(bound) == 1
    trainer = bpx.Trainer(net, optimizer=bpx.Adam(), seed=0)
    for each in batches(net, [8] * 20):
        trainer.step(*each)
    assert len(bound) == 2


def test_what_was_handed_out_never_changes_and_what_is_set_is_used():
    found = []
    for compiled in (True, False):
        net = bpx.Network([4, 7, 3], seed=0, backend="numpy", dtype="float64", **PLAIN)
        trainer, kept = bpx.Trainer(net, optimizer=bpx.Adam(), seed=0, compile=compiled), []
        for number, each in enumerate(batches(net, [8] * 9)):
            trainer.step(*each)
            kept += [(x, np.array(x)) for x in (*net.weights, *leaves(trainer.state.arrays))]
            if number == 3:
                trainer.eta = 0.5
            if number == 5:
                net.parameters = [w + 1.0 for w in net.weights], net.biases
        for x, then in kept:
            np.testing.assert_array_equal(x, then)
        net.weights[0][...] = 0.25  # in place
        trainer.step(*each)
        found.append([np.array(x) for x in leaves(trainer.state.arrays)])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)


def test_large_plans_are_bound_each_time(monkeypatch, bound):
    net = bpx.Network([4, 7, 3], seed=0, backend="numpy", **PLAIN)
    monkeypatch.setattr(copying, "LARGEST", 1000)
    x, y = random_samples(net, 24)
    net.fit(x, y, epochs=5, batch_size=24, optimizer=bpx.Adam(), seed=0)
    assert len(bound) == 5
