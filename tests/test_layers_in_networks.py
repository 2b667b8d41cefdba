"""What layers of other kinds mean for the training of a network, and what is refused."""

import re
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pytest

import bpx
from bpx.layers import Dense, Dropout
from bpx.privacy import DPSGD
from tests.extending.rms_norm import RMSNorm

PRIVATE = DPSGD(noise_multiplier=1.0, clip=1.0, delta=1e-3, accountant="rdp", seed=7)


@dataclass(frozen=True)
class Coupled(Dropout):
    """Says that it couples the samples of a batch."""

    couples_samples = True


def _data():
    r = np.random.default_rng(0)
    return r.normal(size=(20, 6)), r.integers(0, 3, size=20)


def _net(layer=None, **settings):
    layers = [
        Dense(6, 5, activation="tanh"),
        *([layer] if layer else []),
        Dense(5, 3, "softmax"),
    ]
    return bpx.Network(layers, seed=1, backend="numpy", dtype="float64", **settings)


def test_samples_without_a_gradient_of_their_own_are_not_clipped():
    x, y = _data()
    net = _net(Coupled(5, rate=0.5))
    before = [w.copy() for w in net.weights]
    with pytest.raises(bpx.InputError, match=r"layer 2, .* couples the samples"):
        net.fit(x, y, epochs=1, batch_size=5, optimizer=bpx.SGD(0.1), privacy=PRIVATE)
    assert all((w == old).all() for w, old in zip(net.weights, before, strict=True))


def test_a_seed_of_private_training_draws_the_dropout_too():
    x, y = _data()

    def trained():
        net = _net(Dropout(5, rate=0.5))
        net.fit(x, y, epochs=2, batch_size=5, optimizer=bpx.SGD(0.1), privacy=PRIVATE)
        return net.weights

    first, again = trained(), trained()
    assert all((w == other).all() for w, other in zip(first, again, strict=True))


@pytest.mark.parametrize("extra", [{"hidden": "relu"}, {"dropout": 0.2}])
def test_layers_are_given_with_nothing_that_widths_take(extra):
    with pytest.raises(bpx.InputError, match=re.escape(next(iter(extra)))):
        _net(**extra)


@pytest.mark.parametrize("rate", ["half", 1.0, -0.1, None, float("nan")])
def test_a_rate_that_is_none(rate):
    with pytest.raises(bpx.InputError, match="rate"):
        Dropout(5, rate=rate)


def test_an_activation_by_its_name_in_a_layer():
    assert Dense(6, 5, activation="tanh") == Dense(6, 5, activation=bpx.activations.tanh)
    with pytest.raises(bpx.InputError, match="tanhh"):
        Dense(6, 5, activation="tanhh")


class Drawing(RMSNorm):
    def draw(self, init, rng):
        return {"gain": rng("gain").standard_normal(self.width)}


def test_a_purpose_that_there_is_not_is_named():
    with pytest.raises(
        bpx.InputError, match=r"draw of layer 1, 'rms_norm', .* expected one of"
    ):
        bpx.Network([Drawing(4), bpx.Dense(4, 2, "sigmoid")], seed=0)


class Means(NamedTuple):
    gain: Any
    count: Any = None


class Counted(NamedTuple):
    a_prev: Any
    a: Any
    couples_samples = True

    def gradients(self, r, delta):
        return Means(bpx.namespace(delta).sum(r * delta * self.a_prev, axis=-2))


@dataclass(frozen=True)
class Counting(RMSNorm):
    """A layer of somebody's own with a parameter that it does not learn: it counts steps."""

    kind: ClassVar[str] = "counting"
    couples_samples: ClassVar[bool] = True
    learned: ClassVar[tuple[str, ...]] = ("gain",)

    @property
    def shapes(self):
        return {"gain": (self.width,), "count": (1,)}

    def entry(self, arrays):
        return Means(arrays["gain"], arrays["count"])

    def draw(self, init, rng):
        return {"gain": np.ones(self.width), "count": np.zeros(1)}

    def forward(self, parameters, a_prev, context):
        return Counted(a_prev, parameters.gain * a_prev)

    def averaged(self, parameters, saved):
        return parameters._replace(count=parameters.count + 1.0)

    def send_back(self, parameters, saved, delta):
        return parameters.gain * delta


@pytest.mark.parametrize("compile_", [True, False])
def test_a_layer_of_ones_own_may_average_what_it_does_not_learn(compile_):
    x, y = _data()
    net = _net(Counting(5), cost="cross_entropy")
    how = {"epochs": 3, "batch_size": 5, "optimizer": bpx.AdamW(0.1), "lmbda": 0.1}
    net.fit(x, y, **how, compile=compile_)
    entry = net.parameters.layers[1]
    assert entry.count.tolist() == [12.0]
    assert (entry.gain != 1.0).all()
    assert bpx.inspect.check(net).ok


class Told(RMSNorm):
    """It says whether it was told of training."""

    told: ClassVar[list[bool]] = []

    def forward(self, parameters, a_prev, context):
        self.told.append(context.training)
        return super().forward(parameters, a_prev, context)


def test_a_layer_that_draws_nothing_is_told_of_training(monkeypatch):
    monkeypatch.setattr(Told, "told", [])
    net = bpx.Network([Told(4), bpx.Dense(4, 2, "sigmoid")], seed=0)
    x, y = np.ones((3, 4)), np.zeros((3, 2))
    net.predict(x)
    assert Told.told == [False]
    net.fit(x, y, epochs=1, batch_size=3, optimizer=bpx.SGD(0.1), compile=False)
    assert Told.told[-1]
    net.evaluate(x, y)
    assert not Told.told[-1]
