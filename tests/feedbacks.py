"""Networks whose errors go back by other rules than BP2's."""

import pytest

import bpx
from bpx.feedback import FEEDBACKS, Feedback
from tests.backends import Target, host
from tests.peers import random_samples

SIZES = [5, 6, 4, 3]

every_rule = pytest.mark.parametrize("rule", FEEDBACKS)


def network(rule, sizes=SIZES, target=Target.NUMPY, seed=0, **settings):
    settings = {"hidden": "tanh", "output": "softmax", "cost": "cross_entropy"} | settings
    return target.network(sizes, feedback=rule, seed=seed, dtype="float64", **settings)


def arrays(net):
    return [host(each) for group in (net.weights, net.biases, net.feedback) for each in group]


def train(net, optimizer=bpx.SGD(0.3), n=40, **settings):  # noqa: B008
    x, y = random_samples(net, n)
    net.fit(
        x, y, **{"epochs": 2, "batch_size": 7, "optimizer": optimizer, "seed": 0} | settings
    )


def halved(w, delta, B):
    return 0.5 * (delta[0] @ w[0])


def from_the_output(w, delta, B):
    return delta[-1] @ B


def normal(rng, rows, columns):
    return bpx.feedback.glorot(rng, rows, columns)


def local_loss(layer, delta):
    """The error of a classifier of the layer's own, which is random and fixed."""
    guess = bpx.activations.softmax.sigma(layer.a @ layer.B.mT)
    return (guess - layer.y) @ layer.B


def oja(layer, delta, r):
    """Hidden units that learn from what goes in and out alone; the output by its error."""
    if layer.is_output:
        return None
    xp = bpx.namespace(layer.a)
    kept = xp.sum(r * layer.a * layer.a, axis=-2)[..., None] * layer.w
    return kept - (r * layer.a).mT @ layer.a_prev, xp.zeros_like(layer.b)


NUDGE = 1e-3


def node_perturbation(layer, delta, r):
    """What a random nudge of the weighted inputs does to the cost, times the nudge."""
    noise = bpx.random.normal(layer.B[:2], layer.B[2:], layer.z.shape[-2:], layer.z.dtype)
    change = layer.cost(layer.z + NUDGE * noise) - layer.cost(layer.z)
    estimate = change[..., None] * noise / NUDGE
    return bpx.equations.bp4(r, estimate, layer.a_prev), bpx.equations.bp3(r, estimate)


LOCAL = Feedback("local_loss", local=local_loss, draw=normal, direct=True)
OJA = Feedback("oja", gradients=oja)
PERTURBED = Feedback("node_perturbation", gradients=node_perturbation, redrawn=True)
OWN = {rule.name: rule for rule in (LOCAL, OJA, PERTURBED)}

DIRECT = Feedback("mine", send=from_the_output, draw=normal, direct=True)
