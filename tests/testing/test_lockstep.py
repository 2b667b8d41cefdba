"""Steps side by side: those of training, and where they begin to differ."""

import numpy as np
import pytest

import bpx
from bpx.testing import compare
from bpx.testing.lockstep import Side
from tests.testing.pairs import network, on_strict, parting


def test_the_steps_are_those_of_training():
    net, rng = network(dtype="float64"), np.random.default_rng(0)
    x, y = rng.standard_normal((50, 6)), rng.integers(3, size=50)
    before = [np.array(w) for w in net.weights]
    settings = {"batch_size": 8, "optimizer": bpx.SGD(0.3), "seed": 4}
    seen = []

    def watched(self, rows):
        take(self, rows)
        seen.append(self.after.parameters)

    take = Side.take
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Side, "take", watched)
        compare(net, ["numpy"], (x, y), steps=12, engines=False, **settings)
    assert all(map(np.array_equal, before, net.weights))
    net.fit(x, y, epochs=2, drop_last=True, compile=False, **settings)  # 6 steps each
    assert all(map(np.array_equal, seen[-1].w, net.weights))
    assert len(seen) == 12


def test_the_step_is_that_in_which_it_begins():
    """An activation that differs only above a threshold, which is crossed while training."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((40, 6)), rng.integers(3, size=40)
    settings = {"steps": 40, "batch_size": 10, "optimizer": bpx.SGD(1.0), "seed": 1}
    largest = []

    def watched(self, rows):
        take(self, rows)
        largest.append(float(self.taken.passes.layers[1].z.max()))

    take = Side.take
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Side, "take", watched)
        compare(network(), ["numpy"], (x, y), engines=False, **settings)
    threshold = (sorted(largest)[-6] + sorted(largest)[-5]) / 2.0
    first = next(step for step, z in enumerate(largest, 1) if z > threshold)
    assert first > 1

    def sigma(z):
        xp = bpx.namespace(z)
        return xp.tanh(z) + (1e-2 * xp.astype(z > threshold, z.dtype) if on_strict(z) else 0.0)

    odd = bpx.Elementwise("odd", sigma, bpx.activations.tanh.sigma_prime)
    net = network(activations=["tanh", odd, "softmax"])
    assert parting(net, data=(x, y), **settings)[:3] == (first, 2, "a")


def test_an_engine_that_differs_from_the_eager_steps(monkeypatch):
    from bpx_backends import _numpy

    right = _numpy.scan

    def odd(step, state, data, rows, start, stop, donate=False):
        after = right(step, state, data, rows, start, stop, donate)
        w = (after.parameters.w[0], after.parameters.w[1] * 1.001, after.parameters.w[2])
        return after._replace(parameters=bpx.Parameters.dense(w, after.parameters.b))

    monkeypatch.setattr(_numpy, "scan", odd)
    (twins,) = compare(network(), ["numpy"], steps=5).twins
    assert twins.parting[:3] == (1, 2, "step")
    assert 1e-4 < twins.growth[0] < twins.growth[-1]


def test_weights_that_do_not_arrive_whole(monkeypatch):
    from bpx.testing import lockstep

    right = lockstep.placed

    def odd(spec, parameters, feedback, home):
        arrived, drawn = right(spec, parameters, feedback, home)
        if home.backend.name == "strict":
            b = (arrived.b[0], arrived.b[1] + 1e-6, arrived.b[2])
            arrived = bpx.Parameters.dense(arrived.w, b)
        return arrived, drawn

    monkeypatch.setattr(lockstep, "placed", odd)
    assert parting(network(), steps=2)[:3] == (0, 2, "weights")
