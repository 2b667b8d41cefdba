"""Health as a field of the epoch: what it is of, and that training does not notice."""

from itertools import pairwise

import numpy as np
import pytest

import bpx
from bpx import inspect
from bpx.arrays.host import batches
from tests.backends import host

SETTINGS = {"epochs": 2, "batch_size": 8, "optimizer": bpx.SGD(0.5, momentum=0.9), "seed": 1}


def samples(n=40):
    rng = np.random.default_rng(3)
    return rng.random((n, 5)), np.arange(n) % 3


def network(target=None, **settings):
    settings = {"seed": 0, "dtype": "float64", "hidden": "tanh"} | settings
    return bpx.Network([5, 4, 3], backend=target.spec if target else "numpy", **settings)


def trained(target=None, **settings):
    net = network(target)
    compiled = target.value.compile if target else False
    return net, net.fit(*samples(), **{**SETTINGS, "compile": compiled, **settings})


def test_it_is_off_unless_asked_for():
    assert [epoch.health for epoch in trained()[1]] == [None, None]
    assert trained(health=False)[1][0].health is None


def test_it_is_the_health_of_the_network_at_the_end_of_the_epoch(target):
    net, history = trained(target, health=True)
    x, y = samples()
    expected, found = (
        inspect.examine(net, x, y),
        history[-1].health,
    )  # 500 would be more than all
    assert found.samples == 40
    for field in ("errors", "speeds", "saturated", "recall", "passed"):
        assert getattr(found, field) == pytest.approx(getattr(expected, field), rel=1e-9)
    assert (found.dead, found.quiet) == (expected.dead, expected.quiet)
    assert found != history[0].health


def test_the_samples_are_drawn_by_the_seed_and_stay():
    x, y = samples()
    net, history = trained(health=bpx.HealthProbe(samples=9))
    assert history[-1].health.samples == 9
    rows = batches(1, 0, 40, 40, shuffle=True)[0][0][:9]
    assert history[-1].health.errors == pytest.approx(
        inspect.examine(net, x[rows], y[rows]).errors, rel=1e-12
    )
    again = trained(health=bpx.HealthProbe(samples=9))[1]
    assert again[-1].health == history[-1].health
    other = trained(health=bpx.HealthProbe(samples=9), seed=2)[1]
    assert other[-1].health != history[-1].health


@pytest.mark.parametrize("lmbda", [0.0, 5.0])
def test_the_update_is_that_of_one_step_more(target, lmbda):
    """Of one batch of all samples, whose order does not matter, with momentum and penalty."""
    settings = {"batch_size": 40, "shuffle": False, "lmbda": lmbda}
    _, history = trained(target, health=True, **settings, epochs=3)
    weights = [trained(**settings, epochs=epochs)[0].weights for epochs in (1, 2, 3, 4)]
    for epoch, pair in zip(history, pairwise(weights), strict=True):
        layers = zip(*pair, strict=True)
        expected = [np.linalg.norm(b - a) / np.linalg.norm(a) for a, b in layers]
        assert epoch.health.updates == pytest.approx(expected, rel=1e-6)


def test_the_update_is_that_of_a_step_with_the_weights(target):
    """A health of the samples as they are, and of a step that is trained on with weights."""
    settings = {"batch_size": 40, "shuffle": False, "sample_weight": np.arange(40.0)}
    _, history = trained(target, health=True, **settings, epochs=1)
    before, after = (trained(**settings, epochs=epochs)[0].weights for epochs in (1, 2))
    expected = [
        np.linalg.norm(b - a) / np.linalg.norm(a) for a, b in zip(before, after, strict=True)
    ]
    # The step more has the momentum of the epoch before, as the next epoch has.
    assert history[0].health.updates == pytest.approx(expected, rel=1e-6)
    net, _ = trained(target, **settings, epochs=1)
    alike = inspect.examine(net, *samples())
    assert history[0].health.errors == pytest.approx(alike.errors, rel=1e-9)


def test_training_does_not_notice(target):
    (plain, bare), (looked, seen) = trained(target), trained(target, health=True)
    for a, b in zip(plain.weights, looked.weights, strict=True):
        np.testing.assert_array_equal(host(a), host(b))
    assert [epoch.cost for epoch in bare] == [epoch.cost for epoch in seen]


def test_compiled_and_eager_training_are_equally_well(target):
    compiled, eager = (
        trained(target, health=True, compile=way)[1] for way in (target.value.compile, False)
    )
    for a, b in zip(compiled, eager, strict=True):
        for field in ("errors", "speeds", "saturated", "updates"):
            assert getattr(a.health, field) == pytest.approx(getattr(b.health, field), rel=1e-8)


def test_a_ragged_batch_and_numbers_as_targets():
    net = bpx.Network([5, 4, 2], output="identity", seed=0)
    y = np.random.default_rng(0).random((40, 2))
    (epoch,) = net.fit(
        samples()[0], y, **{**SETTINGS, "epochs": 1, "batch_size": 7}, health=True
    )
    assert (epoch.health.recall, epoch.health.passed) == (None, None)
    assert len(epoch.health.updates) == 2


def test_it_is_of_the_errors_that_the_layers_learn_from():
    net = network(feedback="fa")
    (epoch,) = net.fit(*samples(), **{**SETTINGS, "epochs": 1}, health=True)
    x, y = samples()
    assert epoch.health.errors == pytest.approx(inspect.examine(net, x, y).errors, rel=1e-9)
    deltas = net.backprop(x, y.astype(np.int32)).delta
    norms = [np.linalg.norm(delta, axis=1).mean() for delta in deltas]
    assert epoch.health.errors == pytest.approx(norms, rel=1e-9)
    transposed = bpx.backprop(network().spec, net.parameters, x, y.astype(np.int32)).delta
    assert norms[0] != pytest.approx(np.linalg.norm(transposed[0], axis=1).mean(), rel=1e-3)


def test_private_training_has_a_health_without_updates():
    pytest.importorskip("dp_accounting", reason="privacy is an extra")
    settings = {"epochs": 2, "batch_size": 8, "optimizer": bpx.SGD(0.5)}
    private = bpx.privacy.DPSGD(clip=1.0, noise_multiplier=1.0, delta=1e-3, seed=0)
    net = network()
    history = net.fit(*samples(), **settings, privacy=private, health=True)
    assert history[-1].health.updates is None
    expected = inspect.examine(net, *samples()).errors
    assert history[-1].health.errors == pytest.approx(expected, rel=1e-9)


def test_limits_go_through():
    probe = bpx.HealthProbe(limits=inspect.Limits(share=0.999))
    strict = trained(health=probe)[1][-1].health
    assert strict.saturated > trained(health=True)[1][-1].health.saturated


@pytest.mark.parametrize("health", ["yes", 0, 1])
def test_it_is_asked_for_by_true_or_a_probe(health):
    with pytest.raises(bpx.InputError, match=f"health={health!r} was given; expected True, F"):
        bpx.train(network(), samples(), **SETTINGS, health=health)
