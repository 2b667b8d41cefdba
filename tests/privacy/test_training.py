"""Private training as a user has it: on every engine, its records, what is refused."""

import logging
import sys
from math import inf

import numpy as np
import pytest

import bpx
from bpx.errors import DivergenceError
from bpx.privacy import DPSGD, Mechanism, batches, epsilon
from tests.backends import Target, host
from tests.peers import close, flat

pytest.importorskip("dp_accounting", reason="dp-accounting is not installed")

QUICK = {"noise_multiplier": 1.0, "delta": 1e-3, "accountant": "rdp"}
RATE, STEPS = 12 / 60, 5
SETTINGS = {"epochs": 2, "batch_size": 12, "optimizer": bpx.SGD(0.5)}


def samples(n=60):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, n)
    return rng.random((n, 6)) + 0.5 * np.eye(6)[y], y


def network(target=Target.NUMPY, **settings):
    settings = {"dtype": "float64", "output": "softmax", "cost": "cross_entropy", **settings}
    return target.network([6, 5, 3], hidden="tanh", seed=3, **settings)


def trained(target=Target.NUMPY, privacy=None, compile=True, net=None, **settings):  # noqa: A002
    """A network after private training, and its records."""
    net = net or network(target)
    privacy = privacy or DPSGD(**QUICK, seed=0)
    history = net.fit(*samples(), privacy=privacy, compile=compile, **{**SETTINGS, **settings})
    return net, history


def test_a_seeded_run_is_the_same_on_every_backend(target):
    net, history = trained(target, compile=target.value.compile)
    reference, expected = trained(compile=False)
    close(flat(net.parameters), flat(reference.parameters), 1e-12)
    for one, other in zip(history, expected, strict=True):
        assert one.cost == pytest.approx(other.cost, rel=1e-12)
        assert one.accuracy == other.accuracy
        assert one.privacy.mechanisms == other.privacy.mechanisms


def test_a_schedule_knows_the_length_of_private_training():
    rate = bpx.optim.cosine_decay_schedule(0.5)
    _, history = trained(optimizer=bpx.SGD(rate), epochs=2)
    assert [epoch.eta for epoch in history] == [pytest.approx(0.25), pytest.approx(0.0)]


def test_the_private_cost_is_not_followed():
    rule = bpx.SGD(bpx.optim.reduce_on_plateau(0.5))
    with pytest.raises(bpx.InputError, match=r"cost of the training samples.*is not private"):
        trained(optimizer=rule)
    trained(optimizer=rule, validation=samples(10), epochs=1)


@pytest.mark.parametrize("compile", [False, True])
def test_overflow_never_truncates(target, compile, monkeypatch):  # noqa: A002
    """Physical batches of 3 for logical ones of about 12, in blocks of noise for two steps."""
    compile = compile and target.value.compile  # noqa: A001
    whole, expected = trained(target, compile=compile)
    monkeypatch.setattr(batches, "BLOCK_BYTES", 2 * 8 * 60)
    small = DPSGD(**QUICK, seed=0, physical_size=3)
    parts, history = trained(target, small, compile=compile)
    close(flat(parts.parameters), flat(whole.parameters), 1e-12)
    for one, other in zip(history, expected, strict=True):
        assert one.cost == pytest.approx(other.cost, rel=1e-12)
        assert one.accuracy == pytest.approx(other.accuracy, rel=1e-12)


def test_numbas_kernels_do_the_same(monkeypatch):
    pytest.importorskip("numba", reason="numba is not installed")
    expected, _ = trained()
    monkeypatch.setenv("BPX_NUMBA", "on")
    net, _ = trained(privacy=DPSGD(**QUICK, seed=0, physical_size=9))
    close(flat(net.parameters), flat(expected.parameters), 1e-12)


def test_a_step_is_what_the_formula_says():
    """q = 1 and no noise: each step's batch is the whole data set."""
    settings = {"batch_size": 60, "epochs": 3, "lmbda": 6.0}
    privacy = DPSGD(noise_multiplier=0.0, clip=0.3, delta=1e-3)
    net, history = trained(privacy=privacy, **settings)
    by_hand, (x, y) = network(), samples()
    for _ in range(3):
        summed = bpx.privacy.clipped_sum(by_hand.backprop(x, y), 0.3)
        w = [
            w - 0.5 * (g / 60 + 6.0 / 60 * w)
            for w, g in zip(by_hand.weights, summed.w, strict=True)
        ]
        b = [b - 0.5 * g / 60 for b, g in zip(by_hand.biases, summed.b, strict=True)]
        by_hand.parameters = w, b
    close(flat(net.parameters), flat(by_hand.parameters), 1e-12)
    assert [epoch.privacy.epsilon for epoch in history] == [inf] * 3


@pytest.mark.parametrize(("clip", "sensitivity"), [(0.2, 0.2), ((0.3, 0.4), 0.5)])
def test_the_noise_is_as_large_as_it_is_told(clip, sensitivity):
    """A network that nothing moves but noise: the inputs are 0 and the errors, too."""
    net = bpx.Network([400, 250, 1], hidden="tanh", output="identity", seed=0, dtype="float64")
    net.parameters = [0.0 * w for w in net.weights], net.biases
    before = flat(net.parameters)
    privacy = DPSGD(noise_multiplier=3.0, clip=clip, delta=1e-3, accountant="rdp", seed=0)
    net.fit(
        np.zeros((40, 400)), np.zeros(40),
        epochs=1, batch_size=20, optimizer=bpx.SGD(1.0), privacy=privacy,
    )  # fmt: skip
    moved = flat(net.parameters) - before  # two steps' noise
    deviation = 2**0.5 * 3.0 * sensitivity / 20
    assert moved.std() == pytest.approx(deviation, rel=4 / (2 * moved.size) ** 0.5)


def test_the_means_are_over_the_samples_that_were_drawn():
    seen = []
    _, history = trained(progress=seen.append, privacy=DPSGD(**QUICK, seed=1))
    totals = {each.epoch: each.total for each in seen}
    assert set(totals.values()) != {60}  # about 60
    assert seen[-1].samples == totals[2]
    assert 0.5 < history[-1].cost < 2.0
    assert history[-1].accuracy * totals[2] == pytest.approx(
        round(history[-1].accuracy * totals[2])
    )


def test_an_epoch_of_empty_batches_has_no_mean():
    x, y = samples(2)
    privacy = DPSGD(noise_multiplier=0.0, delta=0.1, seed=0)
    records = network().fit(
        x, y, epochs=60, batch_size=1, optimizer=bpx.SGD(0.1), privacy=privacy
    )
    empty = [epoch for epoch in records if np.isnan(epoch.cost)]
    assert empty
    assert all(np.isnan(epoch.accuracy) for epoch in empty)


def test_each_record_tells_what_has_been_spent():
    _, history = trained(privacy=DPSGD(noise_multiplier=1.5, delta=1e-3))
    for epoch in history:
        spent = epoch.privacy
        expected = epsilon(1.5, RATE, STEPS * epoch.number, 1e-3)
        assert (spent.epsilon, spent.delta) == (pytest.approx(expected, rel=1e-9), 1e-3)
        assert spent.mechanisms == (Mechanism(1.5, RATE, STEPS * epoch.number),)
        assert spent.secure
        assert f"Spent(epsilon={expected:.4g}, delta=0.001, secure=True" in repr(spent)
        assert 0.0 < spent.seconds < epoch.seconds
    assert history.seed is None


def test_training_without_privacy_tells_of_none():
    net = network()
    history = net.fit(*samples(), **SETTINGS)
    assert history[-1].privacy is None
    assert net.mechanisms == ()


def test_a_second_training_goes_on_counting(tmp_path):
    net, first = trained(privacy=DPSGD(**QUICK))
    _, second = trained(net=net, privacy=DPSGD(**QUICK), epochs=1)
    once = epsilon(1.0, RATE, 3 * STEPS, 1e-3, accountant="rdp")
    assert second[-1].privacy.epsilon == pytest.approx(once, rel=1e-12)
    assert first[-1].privacy.epsilon < once
    net.save(tmp_path / "net")
    _, third = trained(net=bpx.load(tmp_path / "net"), privacy=DPSGD(**QUICK), epochs=1)
    assert third[-1].privacy.mechanisms == (Mechanism(1.0, RATE, 4 * STEPS),)


def test_what_another_network_spent_is_counted_once():
    other, told = trained(privacy=DPSGD(**QUICK))
    past = told[-1].privacy.mechanisms
    assert past == other.mechanisms
    privacy = DPSGD(**QUICK, past=past)
    net, history = trained(privacy=privacy)
    assert history[-1].privacy.mechanisms == (Mechanism(1.0, RATE, 4 * STEPS),)
    _, more = trained(net=net, privacy=privacy, epochs=1)
    assert more[-1].privacy.mechanisms == (Mechanism(1.0, RATE, 5 * STEPS),)


def test_an_epoch_that_is_not_finished_spends_nothing():
    def interrupt(progress):
        if progress.epoch == 2:
            raise KeyboardInterrupt

    net = network()
    with pytest.raises(KeyboardInterrupt):
        trained(net=net, progress=interrupt)
    reference, _ = trained(epochs=1)
    assert net.mechanisms == reference.mechanisms
    np.testing.assert_array_equal(net.weights[0], reference.weights[0])


def test_what_can_be_seen_has_been_counted():
    """An interrupt just after an epoch's weights were published."""

    class Interrupted(bpx.Network):
        def publish(self, *given):
            super().publish(*given)
            raise KeyboardInterrupt

    plain = network()
    net = Interrupted.from_arrays(plain.spec, plain.parameters, plain.home)
    with pytest.raises(KeyboardInterrupt):
        trained(net=net)
    assert not np.array_equal(net.weights[0], plain.weights[0])
    assert net.mechanisms == (Mechanism(1.0, RATE, STEPS, secure=False),)


def test_a_divergence_is_found_where_it_happens(target):
    net = network(target, output="identity", cost="quadratic", dtype="float32")
    x, y = samples()
    privacy = DPSGD(
        noise_multiplier=1e30, delta=1e-3, accountant="rdp", physical_size=3, seed=0
    )
    with pytest.raises(DivergenceError, match=r"epoch 1, step \d, first in layer \d") as error:
        net.fit(
            x, np.eye(3)[y], epochs=1, batch_size=8, optimizer=bpx.SGD(1.0), privacy=privacy,
            compile=target.value.compile,
        )  # fmt: skip
    assert error.value.step == 2
    assert net.mechanisms == ()


def test_a_seed_says_that_nothing_is_private(caplog):
    with caplog.at_level(logging.WARNING, "bpx"):
        _, history = trained()
    assert "DPSGD(seed=0): its noise can be drawn again" in caplog.text
    assert not history[-1].privacy.secure
    net, _ = trained()
    _, secure = trained(net=net, privacy=DPSGD(**QUICK), epochs=1)
    assert not secure[-1].privacy.secure  # part of it is not


@pytest.mark.parametrize("rule", ["dfa", "kp"])
def test_other_rules_than_bp2_train_privately(rule):
    """What is clipped is what the rule gives; a B that learns takes the noisy gradient."""
    nets = [trained(compile=c, net=network(feedback=rule))[0] for c in (False, True)]
    close(flat(nets[1].parameters), flat(nets[0].parameters), 1e-12)
    for one, other in zip(nets[1].feedback, nets[0].feedback, strict=True):
        close(one, other, 1e-12)


def test_without_a_seed_no_run_is_like_another():
    privacy = DPSGD(**QUICK)
    assert (
        trained(privacy=privacy)[0].weights[0][0, 0]
        != trained(privacy=privacy)[0].weights[0][0, 0]
    )


def test_a_second_training_of_equal_shapes_compiles_nothing():
    pytest.importorskip("jax", reason="JAX is not installed")
    from bpx_backends import _jax

    trained(Target.JAX, privacy=DPSGD(**QUICK, seed=0, physical_size=14))  # some overflow
    before = _jax._run._cache_size()
    other = DPSGD(noise_multiplier=3.0, clip=0.1, delta=1e-4, seed=9, physical_size=14)
    trained(Target.JAX, privacy=other, epochs=3, optimizer=bpx.SGD(0.1))
    assert _jax._run._cache_size() == before


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"shuffle": False},
            "shuffle=False was given with privacy.*Poisson sampling.*epsilon is known",
        ),
        ({"drop_last": True}, "drop_last=True was given with privacy.*Poisson sampling"),
        ({"seed": 1}, r"seed=1 was given with privacy.*DPSGD\(seed=...\)"),
        ({"privacy": 1.0}, r"privacy=1.0 was given; expected bpx.privacy.DPSGD"),
        (
            {"privacy": DPSGD(noise_multiplier=1.0, delta=0.05)},
            "delta=0.05 was given for 60 samples; expected less than 1 / n",
        ),
        (
            {"privacy": DPSGD(noise_multiplier=1.0, clip=(1.0, 2.0, 3.0))},
            "has 3 numbers for 2 layers",
        ),
    ],
)
def test_what_contradicts_privacy_is_refused_at_once(settings, said):
    settings = {"privacy": DPSGD(**QUICK), **SETTINGS, **settings}
    with pytest.raises(bpx.InputError, match=said):
        bpx.train(network(), samples(), **settings)


def test_without_dp_accounting_training_is_refused_at_once(monkeypatch):
    monkeypatch.setitem(sys.modules, "dp_accounting", None)
    with pytest.raises(bpx.InputError, match=r"pip install dp-accounting"):
        bpx.train(network(), samples(), privacy=DPSGD(**QUICK), **SETTINGS)


def test_four_draws_make_other_noise_of_the_same_size():
    one, _ = trained()
    four, _ = trained(privacy=DPSGD(**QUICK, seed=0, draws=4))
    assert not np.array_equal(one.weights[0], four.weights[0])
    assert np.abs(host(four.weights[0])).max() < 10 * np.abs(host(one.weights[0])).max()
