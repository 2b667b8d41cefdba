"""An optimizer, a cost, a metric and a reader of one's own, from outside: one entry each."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

import bpx
from bpx import inspect
from tests.backends import host

SETTINGS = {"epochs": 3, "batch_size": 7, "seed": 0}


def samples(n=23):
    rng = np.random.default_rng(1)
    return rng.standard_normal((n, 4)), rng.uniform(0.1, 0.9, (n, 2))


def network(target, **settings):
    return target.network([4, 5, 2], seed=0, dtype="float64", **settings)


# An optimizer: Lion (Chen et al. 2023), algorithm 2, without its decay.


def lion(updates, state, parameters):
    beta1, beta2, m = state
    blend = bpx.optim.mapped(lambda m, g: beta1 * m + (1.0 - beta1) * g, m, updates)
    m = bpx.optim.mapped(lambda m, g: beta2 * m + (1.0 - beta2) * g, m, updates)
    return bpx.optim.mapped(lambda u: bpx.namespace(u).sign(u), blend), (beta1, beta2, m)


def lion_state(parameters):
    like = parameters.b[0][:1]
    xp = bpx.namespace(like)
    m = bpx.optim.mapped(xp.zeros_like, parameters)
    return xp.full_like(like, 0.9), xp.full_like(like, 0.99), m


@dataclass(frozen=True)
class Lion(bpx.optim.Optimizer):
    eta: float = 1e-3
    default_eta: ClassVar[float] = 1e-3

    @property
    def transformations(self):
        return bpx.optim.Transformation(lion_state, lion), bpx.optim.scale(-self.eta)


def test_an_optimizer_is_one_entry(target, monkeypatch):
    monkeypatch.setitem(bpx.optim.OPTIMIZERS, "own_lion", Lion)  # the one line
    x, y = samples()
    nets = [network(target) for _ in range(2)]
    for net, compile_ in zip(nets, (target.value.compile, False), strict=True):
        optimizer = bpx.optim.OPTIMIZERS["own_lion"](0.01)
        net.fit(x, y, optimizer=optimizer, lmbda=0.1, compile=compile_, **SETTINGS)
    np.testing.assert_allclose(host(nets[0].weights[0]), host(nets[1].weights[0]), rtol=1e-12)
    start = network(target).weights[0]
    moved = np.abs(host(nets[0].weights[0]) - host(start))
    assert moved.max() <= 12 * 0.01 + 1e-12  # a step is eta at most
    assert moved.max() > 0.01


# A cost: Cauchy's, whose gradient vanishes far from the target.


def cauchy(a, y):
    xp = bpx.namespace(a)
    return xp.sum(xp.log1p((a - y) ** 2), axis=-1)


def cauchy_grad(a, y):
    return 2.0 * (a - y) / (1.0 + (a - y) ** 2)


def test_a_cost_is_one_entry(target, monkeypatch, tmp_path):
    cost = bpx.Cost("cauchy", cauchy, cauchy_grad)
    monkeypatch.setitem(bpx.costs.COSTS, "cauchy", cost)  # the one line
    x, y = samples()
    net = network(target, cost="cauchy", output="identity")
    assert inspect.check(net).ok
    settings = SETTINGS | {"epochs": 20}
    history = net.fit(x, y, optimizer=bpx.Adam(0.01), compile=target.value.compile, **settings)
    assert history[-1].cost < 0.9 * history[0].cost
    net.save(tmp_path / "net")
    assert bpx.load(tmp_path / "net", backend="numpy").spec == net.spec


# A metric.


def largest_error(a, y):
    xp = bpx.namespace(a)
    return xp.max(xp.abs(a - y), axis=-1)


def test_a_metric_is_one_entry(target, monkeypatch):
    metric = bpx.metrics.Metric("largest_error", largest_error)
    monkeypatch.setitem(bpx.metrics.METRICS, "largest_error", metric)  # the one line
    (x, y), net = samples(), network(target)
    found = net.evaluate(x, y, metrics=["largest_error"]).metrics["largest_error"]
    expected = np.abs(host(net.predict(x)) - y).max(axis=1).mean()
    assert found == pytest.approx(expected, rel=1e-12)
    history = net.fit(
        x, y, optimizer=bpx.SGD(0.1), validation=(x, y), metrics=["largest_error"], **SETTINGS
    )
    assert history[-1].validation.metrics["largest_error"] > 0.0


# A reader: numbers in lines, the last one the target.


def read_lines(path, **options):
    table = np.array([line.split(";") for line in path.read_text().split()], "float32")
    return bpx.data.Split(table[:, :-1], table[:, -1].astype("int32"))


def test_a_reader_is_one_entry(monkeypatch, tmp_path):
    monkeypatch.setitem(bpx.data.READERS, ".lines", bpx.data.Reader(read_lines))
    (tmp_path / "a.lines").write_text("1;2;0\n3;4;1\n")
    split = bpx.data.read(tmp_path / "a.lines")
    np.testing.assert_array_equal(split.x, [[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(split.y, [0, 1])
