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


DIRECT = Feedback("mine", send=from_the_output, draw=normal, direct=True)
