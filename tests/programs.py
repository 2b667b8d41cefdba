"""Small programs for tests."""

import numpy as np

import bpx
from bpx.program.record import record
from bpx.training.step import Data, State, TrainingStep, zero_metrics

ROWS = np.array([1, 0], "int32")


def training(sizes, batch, optimizer, samples=50, **settings):
    """A training step, float32, and what it is called with."""
    net = bpx.Network(sizes, seed=0, backend="numpy", **settings)
    rng = np.random.default_rng(0)
    data = Data(
        rng.random((samples, sizes[0])).astype("float32"),
        rng.integers(0, sizes[-1], samples).astype("int32"),
    )
    zeros = zero_metrics(net.biases[0], batch, "argmax")
    state = State(net.parameters, optimizer.init(net.parameters), zeros)
    rows = rng.integers(0, samples, batch).astype("int32")
    return TrainingStep(net.spec, optimizer.update, "argmax"), state, data, rows


def recorded(step, *shapes, data=(), dtype="float64"):
    """The program of ``step(*state, *data) -> state``."""
    state = tuple(np.zeros(shape, dtype) for shape in shapes)
    read = tuple(np.zeros(shape, dtype) for shape in data)
    return record(lambda s, d, rows: step(*s, *d), state, read, ROWS)
