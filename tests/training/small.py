"""A small network, samples for it, and how it is trained."""

import numpy as np

import bpx
from tests.backends import Target


def samples(n=40, k0=5, k=3):
    rng = np.random.default_rng(3)
    return rng.random((n, k0)), rng.integers(0, k, n)


def network(target=Target.NUMPY, **settings):
    return target.network([5, 4, 3], seed=0, **settings)


SETTINGS = {"epochs": 3, "batch_size": 8, "optimizer": bpx.SGD(0.5), "seed": 1}
