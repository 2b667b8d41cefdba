"""Networks that can be made unwell, and what is found of them."""

import numpy as np

import bpx
from bpx import inspect

SIZES = [8, 20, 20, 4]


def samples(n=300):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, n)
    return np.repeat(np.eye(4), 2, axis=1)[y] + 0.3 * rng.standard_normal((n, 8)), y


def network(sizes=SIZES, **settings):
    settings = {"hidden": "tanh", "output": "softmax", "cost": "cross_entropy"} | settings
    return bpx.Network(sizes, seed=0, **settings)


def found(net, x=None, **limits):
    chosen = inspect.Limits(**limits)
    own = samples()
    health = inspect.examine(net, own[0] if x is None else x, own[1], limits=chosen)
    return inspect.diagnose(health, chosen)


def moved(net, layer, *, w=None, b=None):
    """The network with a layer's parameters changed by a function."""
    ws, bs = list(net.weights), list(net.biases)
    ws[layer - 1] = w(np.array(ws[layer - 1])) if w else ws[layer - 1]
    bs[layer - 1] = b(np.array(bs[layer - 1])) if b else bs[layer - 1]
    net.parameters = ws, bs
    return net
