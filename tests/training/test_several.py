"""What mixes several networks is named, and trains alone."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

import bpx
from bpx.metrics import METRICS
from bpx.model.stacks import stacked
from bpx.optim.chain import Transformation
from bpx.optim.trees import on_weights
from bpx.training.several import check_networks_apart
from bpx.training.start import first_state
from tests.optim.links import NEWER

K = 3


def sums(x, axis, **given):
    return bpx.namespace(x).sum(x, axis=axis, **given)


def softmax(axis, back=-1):
    def sigma(z):
        e = bpx.namespace(z).exp(z)
        return e / sums(e, axis, keepdims=True)

    def pullback(z, a, g):
        return a * (g - sums(a * g, back, keepdims=True))

    return bpx.Rowwise("own", sigma, pullback)


def quadratic(axis):
    return bpx.Cost("own", lambda a, y: 0.5 * sums((a - y) ** 2, axis), lambda a, y: a - y)


def largest(axis):
    """The rows of each w, divided by what is largest in them."""

    def update(updates, state, parameters):
        def rule(g):
            xp = bpx.namespace(g)
            return -0.1 * g / xp.max(xp.abs(g), axis=axis, keepdims=True)

        return on_weights(rule, updates), state

    return Transformation(lambda parameters: (), update)


class Centred(NamedTuple):
    a: Any


@dataclass(frozen=True)
class Centre:
    """A layer that takes the mean away along an axis, and sends it back along another."""

    n_in: int
    axis: int = -1
    back: int = -1
    in_training: int = -1
    draws: bool = False

    kind, couples_samples = "centre", False
    n_out = property(lambda self: self.n_in)
    shapes = property(lambda self: {})

    def entry(self, arrays):
        return ()

    def draw(self, init, rng):
        return {}

    def forward(self, parameters, a_prev, context):
        axis = self.in_training if context.training else self.axis
        return Centred(self.centred(a_prev, axis))

    def error(self, saved, g):
        return g

    def send_back(self, parameters, saved, delta):
        return self.centred(delta, self.back)

    def centred(self, x, axis):
        return x - bpx.namespace(x).mean(x, axis=axis, keepdims=True)


def with_layer(*axes):
    dense = bpx.Dense(4, 3, "tanh"), bpx.Dense(3, 2, "sigmoid")
    return [dense[0], Centre(3, *axes), dense[1]]


def by_shape(w, B):
    return w[0] / w[0].shape[0]


def by_rank(z):
    rows, units = z.shape
    return z * rows / units


class Rescaled(bpx.Dense):
    """Its rows are divided by what is largest in them, by an axis counted from the front."""

    constrains = True

    def constrained(self, parameters):
        w = parameters.w
        xp = bpx.namespace(w)
        return parameters._replace(w=w / xp.max(xp.abs(w), axis=1, keepdims=True))


OPTIONS = [
    bpx.Dense(4, 3, "tanh", bias=False, l1=0.1, max_norm=0.5),
    bpx.Dense(3, 2, "sigmoid", l2=0.1, max_norm=0.5),
]
GOOD = {
    "options of layers": {"sizes": OPTIONS},
    "options and a feedback that learns": {"sizes": OPTIONS, "feedback": "kp"},
    "a pullback": {"output": softmax(-1), "cost": quadratic(-1)},
    "a send": {"feedback": lambda w, delta, B: 0.5 * (delta[0] @ w[0])},
    "dropout": {"hidden": "relu", "dropout": 0.3},
    "a layer": {"sizes": with_layer()},
    **{name: {"feedback": name} for name in bpx.feedback.FEEDBACKS},
}
MIXES = {
    "sigma": (
        {"output": softmax(1), "cost": quadratic(-1)},
        "sigma of 'own', layer 2, mixes several networks.* write axis=-1 instead of axis=1",
    ),
    "the cost": (
        {"cost": quadratic(1)},
        r"value of the cost 'own' gave shape \(5, 2\).*\(5, 6\)",
    ),
    "the pullback": (
        {"hidden": softmax(-1, 1)},
        "the pullback of 'own', layer 1, mixes several networks",
    ),
    "the feedback": (
        {"feedback": bpx.feedback.Feedback("own", matrix=by_shape)},
        "matrix of the feedback 'own', layer 1, mixes several networks",
    ),
    "a layer": (
        {"sizes": with_layer(1)},
        "the output of layer 2, 'centre', mixes several networks",
    ),
    "a layer's way back": (
        {"sizes": with_layer(-1, 1)},
        "send_back of layer 2, 'centre', mixes several networks",
    ),
    "a layer that draws": (
        {"sizes": with_layer(-1, 1, -1, True)},
        "send_back of layer 2, 'centre', mixes several networks",
    ),
    "a layer in training": (
        {"sizes": with_layer(-1, -1, 1)},
        "the output of layer 2, 'centre', mixes several networks",
    ),
    "a limit": (
        {"sizes": [Rescaled(4, 3, "tanh"), bpx.Dense(3, 2, "sigmoid")]},
        "penalised or constrained of a layer mixes several networks",
    ),
    "what has two axes": (
        {"hidden": bpx.Elementwise("own", by_rank, lambda z, a: a / z)},
        "a part of the network raised ValueError for several networks at once .*train the net",
    ),
}
OPTIMIZERS = {
    "rows": largest(-1),
    "adamw": bpx.AdamW(0.1),
    "clipped": bpx.optim.chain(bpx.optim.clip_by_global_norm(0.1), bpx.SGD(0.1)),
    **NEWER,
}


def network(sizes=(4, 3, 2), **settings):
    return bpx.Network(sizes, seed=0, **settings)


@pytest.mark.parametrize("name", GOOD)
def test_what_keeps_them_apart_is_taken(name):
    check_networks_apart(network(**GOOD[name]).spec, bpx.SGD(0.1))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_that_keep_them_apart_are_taken(name):
    check_networks_apart(network(feedback="kp").spec, bpx.optim.chain(OPTIMIZERS[name]))


@pytest.mark.parametrize("name", MIXES)
def test_a_part_that_mixes_them_is_named_and_trains_alone(name):
    settings, said = MIXES[name]
    net = network(**settings)
    net.fit(np.ones((5, 4)), np.zeros((5, 2)), epochs=1, batch_size=2, optimizer=bpx.SGD(0.1))
    together = stacked(net.spec, [net.parameters] * K)
    with pytest.raises(bpx.InputError, match=said):
        first_state(net.spec, together, (), bpx.SGD(0.1))


def test_a_part_of_one_library_is_named():
    def sigma(z):
        if isinstance(z, np.ndarray):
            raise TypeError("no tensor")
        return z

    net = network(hidden=bpx.Elementwise("own", sigma, lambda z, a: a))
    with pytest.raises(bpx.InputError, match=r"TypeError for host arrays.*\(no tensor\)"):
        check_networks_apart(net.spec, bpx.SGD(0.1))


def largest_output(axis):
    return bpx.metrics.Metric("own", lambda a, y: bpx.namespace(a).max(a, axis=axis))


def test_metrics():
    net, metrics = network(), [*METRICS.values(), bpx.metrics.top_k(2), largest_output(-1)]
    check_networks_apart(net.spec, bpx.SGD(0.1), metrics)
    with pytest.raises(bpx.InputError, match=r"value of the metric 'own' gave shape \(5, 2\)"):
        check_networks_apart(net.spec, bpx.SGD(0.1), [largest_output(1)])


def test_an_optimizer_that_mixes_them_is_named_and_trains_alone():
    net = network()
    optimizer = bpx.optim.chain(largest(1))
    net.fit(np.ones((5, 4)), np.zeros((5, 2)), epochs=1, batch_size=2, optimizer=optimizer)
    together = stacked(net.spec, [net.parameters] * K)
    with pytest.raises(bpx.InputError, match="the optimizer Chain mixes several networks"):
        first_state(net.spec, together, (), optimizer)
