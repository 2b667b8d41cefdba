"""Steps whose learning rate rises: their costs are those of such a training."""

import numpy as np
import pytest

import bpx
from bpx.arrays.host import batches
from bpx.training import rising
from bpx.training.arguments import Options, checked
from bpx.training.rising import rising_costs
from tests.backends import flags
from tests.training.small import network, samples

STEPS, SIZE = 12, 8


def rate(high=1.0):
    return bpx.optim.exponential_decay(1e-3, rate=high / 1e-3, steps=STEPS - 1, end=high)


def costs(net, target=None, high=1.0, steps=STEPS, **given):
    how = {"compile": target.value.compile} if target else {}
    options = Options(bpx.Adam(rate(high)), **how)
    with net.home.active():
        job = checked(net, samples(), options, epochs=1, **given)
        return rising_costs(net, job, SIZE, 1, steps)


def test_a_first_layer_may_have_no_biases():
    layers = [bpx.Dense(5, 4, "tanh", bias=False), bpx.Dense(4, 3, "sigmoid")]
    found, diverged = costs(bpx.Network(layers, seed=0))
    assert len(found) == STEPS
    assert not diverged


def test_they_are_those_of_a_trainer_with_these_rates(target):
    net, other = (network(target, dtype="float64") for _ in range(2))
    x, y = samples()
    rows = [row for epoch in (1, 2, 3) for row in batches(1, epoch, 40, SIZE, shuffle=True)[0]]
    with flags(target):
        found, diverged = costs(net, target)
        trainer = bpx.Trainer(
            other, optimizer=bpx.Adam(rate()), seed=1, compile=target.value.compile
        )
        expected = [float(trainer.step(x[row], y[row]).cost) for row in rows[:STEPS]]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert not diverged


@pytest.mark.parametrize("every", [1, 5, 100])
def test_when_they_are_read_changes_nothing(monkeypatch, every):
    expected = costs(network(), high=1e4)
    monkeypatch.setattr(rising, "READ_STEPS", every)
    assert costs(network(), high=1e4) == expected


def test_weights_of_samples_count():
    s = np.arange(40.0)
    assert costs(network(), sample_weight=s)[0] != costs(network())[0]
    assert costs(network(), sample_weight=np.full(40, 1.0)) == costs(network())
