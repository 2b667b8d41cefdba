"""What `train` and `fit` make of what they are asked for."""

import inspect

import numpy as np
import pytest

import bpx

SETTINGS = {"epochs": 2, "batch_size": 8, "optimizer": bpx.SGD(0.5)}


def samples(n=40):
    rng = np.random.default_rng(3)
    return rng.random((n, 5)), np.arange(n) % 3


def network():
    return bpx.Network([5, 4, 3], seed=0)


class Witness:
    name = "witness"

    def __call__(self, state, data, epoch):
        return epoch


def test_fit_takes_what_train_takes_but_streams():
    of_fit, of_train = (
        {
            each.name: each
            for each in inspect.signature(function).parameters.values()
            if each.kind is each.KEYWORD_ONLY
        }
        for function in (bpx.Network.fit, bpx.train)
    )
    of_streams = {"batches", "steps_per_epoch", "penalty"}
    assert list(of_fit) == [name for name in of_train if name not in of_streams]
    needed = {"epochs", "batch_size"}  # which a stream may do without
    assert all(of_fit[name] == of_train[name] for name in of_fit.keys() - needed)
    assert {"privacy", "health", "observers"} <= of_fit.keys()


def test_a_record_tells_of_all_that_was_asked_for():
    pytest.importorskip("dp_accounting", reason="privacy is an extra")
    private = bpx.privacy.DPSGD(noise_multiplier=1.0, delta=1e-3, accountant="rdp", seed=0)
    history = network().fit(
        *samples(), **SETTINGS, privacy=private, health=True, observers=[Witness()]
    )
    assert [list(epoch.observed) for epoch in history] == [["privacy", "health", "witness"]] * 2
    assert isinstance(history[-1].privacy, bpx.privacy.Spent)
    assert isinstance(history[-1].health, bpx.inspect.Health)


@pytest.mark.parametrize(
    "given", [{"sample_weight": np.ones(40)}, {"class_weight": "balanced"}], ids=str
)
def test_private_training_has_no_weights(given):
    private = bpx.privacy.DPSGD(noise_multiplier=1.0, delta=1e-3, accountant="rdp")
    with pytest.raises(bpx.InputError, match=f"{next(iter(given))} was given with privacy"):
        bpx.train(network(), samples(), **SETTINGS, privacy=private, **given)


@pytest.mark.parametrize(
    "wrong",
    [{"privacy": 1.0}, {"health": "yes"}, {"observers": "me"}, {"seed": -1}, {"epochs": 0}],
)
def test_what_cannot_be_used_is_refused_at_once_and_nothing_has_changed(wrong):
    net = network()
    before = net.parameters
    with pytest.raises(bpx.InputError, match=f"{next(iter(wrong))}=.* was given"):
        bpx.train(net, samples(), **{**SETTINGS, **wrong})
    assert net.parameters is before
