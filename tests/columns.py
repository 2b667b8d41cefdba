"""Networks that begin with a Periodic and an Embedding layer, and samples for them."""

from typing import Any, NamedTuple

import numpy as np

import bpx
from bpx.model import stacks
from bpx.program.contract import leaves, rebuilt
from bpx.training.start import first_state
from bpx.training.step import Data, TrainingStep, zero_metrics
from tests.backends import Target

CODES = {1: 4, 4: 7}
"""The inputs that hold codes, and how many codes each has."""
WIDTH = 5
SETTINGS = {"epochs": 3, "batch_size": 7, "optimizer": bpx.Adam(0.01), "lmbda": 0.1, "seed": 1}


def layers(first="periodic"):
    """Both layers, one after the other: the second finds its columns where the first passes."""
    if first == "periodic":
        periodic = bpx.Periodic(WIDTH, columns=[0, 3], frequencies=3, sigma=0.5)
        given = {"columns": [0, 2], "levels": [4, 7], "dim": 2, "unseen": True}
        return periodic, bpx.Embedding(periodic.n_out, **given)
    embedding = bpx.Embedding(WIDTH, columns=[1, 4], levels=[4, 7], dim=2)
    return embedding, bpx.Periodic(embedding.n_out, [0, 2], frequencies=3, sigma=0.5)


def network(target=Target.NUMPY, first="periodic", dtype="float64", seed=0, **settings: Any):
    below = layers(first)
    dense = bpx.Dense(below[-1].n_out, 6, "tanh"), bpx.Dense(6, 3, "softmax")
    settings = {"cost": "cross_entropy"} | settings
    return target.network([*below, *dense], seed=seed, dtype=dtype, **settings)


def samples(n=45):  # of two shapes: the last batch is ragged
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, WIDTH))
    for column, levels in CODES.items():
        x[:, column] = rng.integers(0, levels, n)
    return x, rng.integers(0, 3, n).astype("int32")


class Job(NamedTuple):
    """A step with all that it takes, at the home of the networks."""

    step: TrainingStep
    state: Any
    data: Data
    rows: Any


def job(nets, rows, target=Target.NUMPY, dtype="float64"):
    """The steps of a network or, with an axis in front, of several; for rows of the samples."""
    spec, (x, y) = nets[0].spec, samples()
    together = nets[0].parameters
    if len(nets) > 1:
        together = stacks.stacked(spec, [net.parameters for net in nets])
    parameters = rebuilt(together, [target.asarray(p, dtype) for p in leaves(together)])
    optimizer = bpx.Adam(0.01)
    state = first_state(spec, parameters, (), optimizer)
    metrics = zero_metrics(parameters.b[0], rows.shape[-1], "argmax")
    return Job(
        TrainingStep(spec, optimizer.update, "argmax"),
        state._replace(metrics=metrics),
        Data(target.asarray(x, dtype), target.asarray(y, "int32")),
        target.asarray(rows, "int32"),
    )
