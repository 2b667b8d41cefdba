"""Small programs for tests."""

import re

import numpy as np

import bpx
from bpx.program.contract import named_leaves
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


def texts(program):
    """The lines as printed, without what is told of them."""
    return [re.split(r" {2,}", line)[0] for line in str(program).splitlines()]


def run_as_printed(program, state, data, rows, *activations):
    """What is printed, run as Python: by its place, what takes the place of each array.

    sigma and sigma_prime are those of the activation that the line is told to be of: one of
    the built-in ones, or of `activations`.
    """
    known = {each.name: each for each in (*bpx.activations.ACTIVATIONS.values(), *activations)}
    scope = {
        **vars(np), **state._asdict(), "data": data, "rows": rows,
        "astype": lambda x, dtype: x.astype(dtype),
        "full": lambda value, shape, dtype: np.full(shape, value, dtype),
        "bitwise_left_shift": np.left_shift, "bitwise_right_shift": np.right_shift,
        "reshape": lambda x, shape: np.reshape(x, shape),
    }  # fmt: skip
    after = {}
    for line in str(program).splitlines():
        text, _, told = line.partition("#")
        text = re.split(r" {2,}", text)[0]
        for name in filter(known.get, told.strip().split(", ")):
            scope |= _functions(known[name])
        place, arrow, result = text.partition(" <- ")
        if arrow:
            after[place] = scope[result]
        else:
            exec(text, scope)
        scope.pop("sigma", None), scope.pop("sigma_prime", None)
    return after


def _functions(activation):
    sigma, prime = activation.sigma, getattr(activation, "sigma_prime", None)
    return {"sigma": sigma, "sigma_prime": lambda z: prime(z, sigma(z))}


def check_as_printed(step, state, data, rows, *activations):
    """What is printed computes what the step does; it is given back."""
    program = record(step, state, data, rows)
    after = run_as_printed(program, state, data, rows, *activations)
    found = dict(named_leaves(step(state, data, rows)))
    pairs = zip(program.state, program.outputs, strict=True)
    assert set(after) == {before.name for before, output in pairs if before is not output}
    for place, array in after.items():
        assert array.dtype == found[place].dtype
        np.testing.assert_allclose(array, found[place], rtol=1e-5, atol=1e-6)
    return program
