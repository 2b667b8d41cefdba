"""What may look at a training: what it sees, where its word goes, what is refused."""

import pickle

import numpy as np
import pytest

import bpx
from tests.backends import Target, host

SETTINGS = {"epochs": 3, "batch_size": 8, "optimizer": bpx.SGD(0.5, momentum=0.9), "seed": 1}


def samples(n=40):
    rng = np.random.default_rng(3)
    return rng.random((n, 5)), np.arange(n) % 3


def network(target=Target.NUMPY, **settings):
    return target.network([5, 4, 3], seed=0, **settings)


class Witness:
    """It keeps all that it is shown."""

    def __init__(self, name="witness", tell=lambda epoch: epoch):
        self.name, self.tell, self.seen = name, tell, []

    def __call__(self, state, data, epoch):
        self.seen.append((epoch, state, data, [host(p) for p in leaves(state)]))
        return self.tell(epoch)


def leaves(state):
    return [*state.parameters.w, *state.parameters.b]


def test_it_sees_the_state_of_each_epoch(target):
    x, y = samples()
    net, witness = network(target), Witness()
    settings = {**SETTINGS, "compile": target.value.compile}
    epochs = bpx.train(net, (x, y), **settings, observers=[witness])
    expected = [net.weights for _ in epochs]
    assert [epoch for epoch, *_ in witness.seen] == [1, 2, 3]
    for (_, state, data, _), weights in zip(witness.seen, expected, strict=True):
        assert all(a is b for a, b in zip(state.parameters.w, weights, strict=True))
        np.testing.assert_array_equal(host(data.x), x.astype("float32"))
        np.testing.assert_array_equal(host(data.y), y)


def test_it_sees_the_weights_of_the_samples(target):
    witness, s = Witness(), np.arange(40.0)
    settings = {**SETTINGS, "compile": target.value.compile, "observers": [witness]}
    network(target).fit(*samples(), **settings, sample_weight=s)
    network(target).fit(*samples(), **settings)
    np.testing.assert_array_equal(host(witness.seen[0][2].s), s)
    assert witness.seen[-1][2].s is None


def test_what_it_keeps_stays_as_it_is(target):
    witness = Witness()
    settings = {**SETTINGS, "compile": target.value.compile}
    network(target).fit(*samples(), **settings, observers=[witness])
    for _, state, _, then in witness.seen:
        for array, before in zip(leaves(state), then, strict=True):
            np.testing.assert_array_equal(host(array), before)


def test_training_does_not_notice(target):
    settings = {**SETTINGS, "compile": target.value.compile}
    nets = [network(target, feedback="kp") for _ in range(2)]
    bare = nets[0].fit(*samples(), **settings)
    seen = nets[1].fit(*samples(), **settings, observers=[Witness(), Witness("second")])
    for kind in ("weights", "biases", "feedback"):
        for a, b in zip(*(getattr(net, kind) for net in nets), strict=True):
            np.testing.assert_array_equal(host(a), host(b))
    assert [(e.cost, e.accuracy) for e in bare] == [(e.cost, e.accuracy) for e in seen]


def test_what_it_gives_is_in_the_record():
    every_other = Witness("odd", lambda epoch: epoch if epoch % 2 else None)
    history = network().fit(*samples(), **SETTINGS, observers=[every_other, Witness()])
    assert [dict(epoch.observed) for epoch in history] == [
        {"odd": 1, "witness": 1}, {"witness": 2}, {"odd": 3, "witness": 3},
    ]  # fmt: skip
    assert "observed={'odd': 1, 'witness': 1}" in repr(history[0])
    assert pickle.loads(pickle.dumps(history)) == history


def test_health_is_beside_it():
    (epoch,) = network().fit(
        *samples(), **{**SETTINGS, "epochs": 1}, health=True, observers=[Witness()]
    )
    assert epoch.observed == {"health": epoch.health, "witness": 1}
    assert epoch.health.samples == 40


def test_privacy_is_beside_it():
    pytest.importorskip("dp_accounting", reason="privacy is an extra")
    private = bpx.privacy.DPSGD(noise_multiplier=1.0, delta=1e-3, accountant="rdp", seed=0)
    settings = {"epochs": 1, "batch_size": 8, "optimizer": bpx.SGD(0.5), "privacy": private}
    (epoch,) = network().fit(*samples(), **settings, observers=(Witness(),))
    assert epoch.observed == {"privacy": epoch.privacy, "witness": 1}
    assert epoch.privacy.delta == 1e-3


def test_a_record_without_any_tells_of_none():
    (epoch,) = network().fit(*samples(), **{**SETTINGS, "epochs": 1})
    by_hand = bpx.Epoch(*epoch[:6])
    for each in (epoch, by_hand):
        assert (each.observed, each.privacy, each.health) == ({}, None, None)
    assert by_hand == epoch._replace(eta=None)


def test_what_it_raises_ends_the_training_and_the_weights_are_kept(target):
    class EnoughError(Exception):
        pass

    def stop(epoch):
        if epoch == 2:
            raise EnoughError("of it")

    net, reference = network(target), network(target)
    settings = {**SETTINGS, "compile": target.value.compile}
    with pytest.raises(EnoughError, match="of it"):
        net.fit(*samples(), **settings, observers=[Witness(tell=stop)])
    reference.fit(*samples(), **{**settings, "epochs": 2})
    for a, b in zip(net.weights, reference.weights, strict=True):
        np.testing.assert_array_equal(host(a), host(b))


def nameless(state, data, epoch):
    return epoch


class Silent:
    name = "silent"


@pytest.mark.parametrize(
    ("observers", "said"),
    [
        (Witness(), r"observers=<.*Witness.*> was given; expected a list of observers"),
        ("health", "observers='health' was given; expected a list"),
        ([nameless], r"observers has <function nameless.*; expected a callable with a name"),
        ([Silent()], r"observers has <.*Silent.*; expected a callable with a name"),
        ([Witness], r"observers has <class.*Witness.*observer\(state, data, epoch\)"),
        ([Witness(name=3)], "expected a callable with a name"),
        ([Witness(), Witness()], "2 observers are named 'witness'; rename"),
        ([Witness("health")], "an observer is named 'health', a name that bpx itself uses"),
        ([Witness("privacy")], "an observer is named 'privacy', a name that bpx itself uses"),
        ([Witness("epoch")], "an observer is named 'epoch', a name that bpx itself uses"),
        ([Witness("cost")], "an observer is named 'cost', a name that bpx itself uses"),
        ([Witness("eta")], "an observer is named 'eta', a name that bpx itself uses"),
        ([Witness("validation")], "an observer is named 'validation', a name that bpx"),
    ],
)
def test_what_cannot_observe_is_refused_at_once(observers, said):
    with pytest.raises(bpx.InputError, match=said):
        bpx.train(network(), samples(), **SETTINGS, observers=observers)
