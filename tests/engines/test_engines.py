"""Every engine against the specification: the same steps, run eagerly."""

import gc
import logging
import os
import subprocess
import sys
import threading
import tracemalloc
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
import pytest

import bpx
from bpx.optim.limits import penalised
from bpx.program.contract import Step, eager, leaves
from bpx.training.step import Data, State, TrainingStep, joined, zero_metrics
from tests.backends import host
from tests.costs.ends import ENDS
from tests.engines.each import BYTES, params
from tests.optim.links import NEWER

STEPS = 20
OPTIMIZERS = {
    "sgd": bpx.SGD(0.3),
    "momentum": bpx.SGD(0.1, momentum=0.9),
    "nesterov": bpx.SGD(0.1, momentum=0.9, nesterov=True),
    "adam": bpx.Adam(0.01),
}
SQUARE = bpx.Elementwise("square", lambda z: 0.3 * z**2, lambda z, a: 0.6 * z)


class Run(NamedTuple):
    """A step with all that it needs, at an engine's home."""

    step: Step
    state: State
    data: Data
    rows: object
    home: object

    def after(self, scan, *chunks):
        """The leaves on the host, after chunks that end at these steps."""
        state, start = self.state, 0
        with self.home.active():
            for stop in chunks:
                state = scan(self.step, state, self.data, self.rows, start, stop)
                start = stop
        return [host(leaf) for leaf in leaves(state)]


def run(
    engine, sizes=(6, 5, 4), *, optimizer=OPTIMIZERS["sgd"], batch=7, steps=STEPS, decay=None,
    dtype="float64", real=False, stored=None, weighted=False, **settings,
):  # fmt: skip
    rng = np.random.default_rng(1)
    net = engine.target.network(sizes, seed=3, dtype=dtype, **settings)
    x = rng.random((50, sizes[0]))
    if stored:
        x = rng.integers(0, 2 if stored == "bool" else 100, x.shape)
    x = engine.target.asarray(x, stored or dtype)
    y = rng.random((50, sizes[-1])) if real else rng.integers(0, sizes[-1], 50)
    y = engine.target.asarray(y, dtype if real else "int32")
    accuracy = None if real else "argmax"
    like = net.parameters.b[0]
    optimizer = penalised(optimizer, decay)
    state = State(
        net.parameters,
        optimizer.init(joined(net.spec, net.parameters, net.feedback)),
        zero_metrics(like, batch, accuracy, weighted),
        net.feedback,
    )
    rows = engine.target.asarray(rng.integers(0, 50, (steps, batch)), "int32")
    step = TrainingStep(net.spec, optimizer.update, accuracy)
    s = engine.target.asarray(rng.integers(0, 4, 50) / 2, dtype) if weighted else None
    return Run(step, state, Data(x, y, s), rows, net.home)


def agree(ours, theirs, within):
    """Each array, by the norm of the difference over the norm."""
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        assert np.isfinite(b).all()
        assert np.linalg.norm(a - b) <= within * np.linalg.norm(b)


def check(engine, this, within=None):
    entered = [host(leaf) for leaf in leaves(this.state)]
    expected = this.after(eager, STEPS)
    agree(this.after(engine.scan, STEPS), expected, within or engine.within)
    agree(this.after(engine.scan, 1, 9, STEPS), expected, within or engine.within)
    for before, leaf in zip(entered, leaves(this.state), strict=True):
        np.testing.assert_array_equal(before, host(leaf))
    assert any(not np.array_equal(a, b) for a, b in zip(entered, expected, strict=True))


@pytest.mark.parametrize("activation", [*bpx.activations.ACTIVATIONS, SQUARE])
def test_every_activation(engine, activation):
    # exp of exp grows so fast that larger steps diverge.
    optimizer = bpx.SGD(0.01 if activation == "exponential" else 0.3)
    settings = {"hidden": activation, "output": activation, "optimizer": optimizer}
    check(engine, run(engine, cost="quadratic", **settings))


@pytest.mark.parametrize(
    ("cost", "output"),
    [("binary_cross_entropy", "sigmoid"), ("categorical_cross_entropy", "softmax")],
)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_cost_and_optimizer(engine, cost, output, optimizer):
    check(
        engine,
        run(engine, (6, 5, 3, 4), hidden="tanh", output=output, cost=cost,
            optimizer=OPTIMIZERS[optimizer], decay=0.01),
    )  # fmt: skip


@pytest.mark.parametrize("name", NEWER)
def test_every_other_optimizer(engine, name, caplog):
    settings = {"hidden": "tanh", "output": "softmax", "cost": "cross_entropy"}
    with caplog.at_level(logging.WARNING, "bpx"):
        this = run(engine, (6, 5, 3, 4), optimizer=NEWER[name], decay=0.01, **settings)
        check(engine, this)
    assert not caplog.records


@pytest.mark.parametrize(("cost", "output"), ENDS)
def test_every_other_cost(engine, cost, output, caplog):
    check(engine, run(engine, (6, 5, 3, 4), hidden="tanh", output=output, cost=cost))
    assert not caplog.records  # nothing ran eagerly


@pytest.mark.parametrize("feedback", bpx.feedback.FEEDBACKS)
def test_every_feedback(engine, feedback):
    # kp's arrays are moved by the optimizer, which Adam has kernels of its own for.
    settings = {"optimizer": OPTIMIZERS["adam" if feedback == "kp" else "momentum"]}
    settings |= {"decay": 0.01, "feedback": feedback}
    check(engine, run(engine, (6, 5, 3, 4), hidden="tanh", output="softmax", **settings))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(
    "settings",
    [
        {"sizes": (6, 4)},
        {"sizes": (6, 5, 4), "batch": 1},
        {"sizes": (6, 1), "real": True, "output": "identity"},
        {"sizes": (6, 5, 3), "real": True, "hidden": "relu", "output": "identity"},
        {"sizes": (1, 1, 2), "batch": 1},
        {"sizes": (6, 200, 4), "batch": 40, "hidden": "gelu_tanh"},
    ],
    ids=["one layer", "batch 1", "one output", "real targets", "ones", "wide"],
)
def test_every_shape(engine, settings, optimizer):
    settings = {"optimizer": OPTIMIZERS[optimizer], "decay": 0.1, **settings}
    check(engine, run(engine, settings.pop("sizes"), **settings))


def test_a_custom_cost_that_has_no_closed_form(engine):
    cost = bpx.Cost(
        "quartic", lambda a, y: row_sums((a - y) ** 4), lambda a, y: 4.0 * (a - y) ** 3
    )
    check(engine, run(engine, output="softmax", cost=cost))


@pytest.mark.parametrize(
    "settings",
    [
        {"output": "softmax", "cost": "cross_entropy"},
        {"real": True, "output": "identity"},
        {"sizes": (6, 4), "batch": 1},
        {"sizes": (6, 1), "real": True, "output": "identity", "batch": 40},
        {"hidden": "relu", "dropout": 0.0, "sizes": (6, 200, 4), "batch": 40},
        {"feedback": "kp", "sizes": (6, 5, 3, 4)},
    ],
    ids=["labels", "numbers", "batch 1", "one output", "wide", "feedback"],
)
@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_sample_weights(engine, settings, optimizer):
    settings = {"optimizer": OPTIMIZERS[optimizer], "decay": 0.1, **settings}
    this = run(engine, settings.pop("sizes", (6, 5, 4)), weighted=True, **settings)
    assert (this.state.metrics.weights is None) == settings.get("real", False)
    check(engine, this)


def test_with_weights_and_without_are_two_programs(engine):
    """Where accuracy has no meaning, the state is of the same form."""
    settings = {"real": True, "output": "identity"}
    plain, weighted = (run(engine, weighted=each, **settings) for each in (False, True))
    for this in (plain, weighted, plain):
        check(engine, this)
    found = (each.after(engine.scan, STEPS) for each in (plain, weighted))
    assert any(not np.allclose(a, b) for a, b in zip(*found, strict=True))


class Rows:
    """A step with a phase that has nothing for each element."""

    def __call__(self, state, data, rows):
        xp = bpx.namespace(data[0])
        x, v = xp.take(data[0], rows, axis=0), xp.take(data[1], rows, axis=0)
        m = xp.max(x, axis=1, keepdims=True)
        return state[0] + (v * m).mT @ x, state[1] + ((x - m) + v)

    def __eq__(self, other):
        return type(self) is type(other)

    def __hash__(self):
        return 1


def test_a_phase_of_rows_alone(engine):
    rng = np.random.default_rng(0)
    arrays = [rng.random(shape) for shape in ((1, 3), (4, 3), (9, 3), (9, 1))]
    ours = tuple(engine.target.asarray(a, "float64") for a in arrays)
    rows = engine.target.asarray(rng.integers(0, 9, (STEPS, 4)), "int32")
    home = engine.target.network([1, 1], dtype="float64").home
    check(engine, Run(Rows(), ours[:2], ours[2:], rows, home))


def row_sums(x):
    return bpx.namespace(x).sum(x, axis=1)


@pytest.mark.parametrize("hidden", ["sigmoid", "relu"])
def test_float32(engine, hidden):
    check(engine, run(engine, hidden=hidden, dtype="float32"), 2e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("stored", BYTES)
def test_samples_stored_as_bytes(engine, stored, dtype):
    """As in the plain loop; and the bits of the same samples that were cast before."""
    this = run(engine, stored=stored, dtype=dtype, optimizer=bpx.SGD(0.01))
    check(engine, this, 2e-5 if dtype == "float32" else None)
    numbers = this._replace(
        data=Data(engine.target.asarray(host(this.data.x), dtype), this.data.y)
    )
    for one, other in zip(
        this.after(engine.scan, 1, STEPS), numbers.after(engine.scan, 1, STEPS), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_another_shape_is_another_program(engine):
    for batch in (7, 3, 7):
        check(engine, run(engine, batch=batch))


def test_what_was_given_back_is_never_written_again(engine):
    this = run(engine, optimizer=OPTIMIZERS["adam"])
    with this.home.active():
        first = engine.scan(this.step, this.state, this.data, this.rows, 0, 5)
        kept = [host(leaf) for leaf in leaves(first)]
        engine.scan(this.step, first, this.data, this.rows, 5, STEPS)
        engine.scan(this.step, this.state, this.data, this.rows, 0, STEPS)
    for before, leaf in zip(kept, leaves(first), strict=True):
        np.testing.assert_array_equal(before, host(leaf))


@pytest.mark.parametrize("width", [5, 1100])
def test_a_donated_state_comes_to_the_same(engine, width):
    """1100: some arrays are so large that every engine writes over them."""
    this = run(engine, (1000, width, 4), optimizer=OPTIMIZERS["adam"])
    with this.home.active():
        state = engine.scan(this.step, this.state, this.data, this.rows, 0, 3)
        for start, stop in ((3, 4), (4, 9), (9, STEPS)):
            state = engine.scan(this.step, state, this.data, this.rows, start, stop, True)
        found = [host(leaf) for leaf in leaves(state)]
    agree(found, this.after(eager, STEPS), engine.within)


def test_a_ragged_last_batch(engine):
    x, y = np.random.default_rng(0).random((23, 6)), np.arange(23) % 4
    weights = []
    for compile_it in (True, False):
        net = engine.target.network([6, 5, 4], seed=0, dtype="float64")
        net.fit(x, y, epochs=3, batch_size=5, optimizer=bpx.Adam(), seed=1, compile=compile_it)
        weights.append([host(w) for w in (*net.weights, *net.biases)])
    agree(*weights, engine.within)


def test_two_threads_at_once_come_to_the_same(engine):
    this = run(engine, (6, 300, 4), batch=40)
    expected, found = this.after(eager, STEPS), []
    threads = [
        threading.Thread(target=lambda: found.append(this.after(engine.scan, 9, STEPS)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for each in found:
        agree(each, expected, engine.within)


@pytest.mark.parametrize("engine", params("numpy", "numba"), indirect=True)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_steps_allocate_no_arrays(engine, optimizer):
    this = run(
        engine, (30, 40, 10), optimizer=OPTIMIZERS[optimizer], batch=10, steps=1000,
        hidden="relu", output="softmax", cost="cross_entropy",
    )  # fmt: skip
    few, many = (traced(engine, this, steps) for steps in (300, 1000))
    assert abs(many.left - few.left) < 1_000
    assert abs(many.peak - few.peak) < 1_000


class Traced(NamedTuple):
    """Bytes: what a call leaves behind, and the most that it held."""

    left: int
    peak: int


def traced(engine, this, steps):
    """Of a call that begins with nothing to use again, and is not tidied up in between.

    Python keeps some tens of small objects of each type for the next ones. A collection throws
    them away, and whether there is one just before, or during, the call is chance.
    """
    for _ in range(3):
        engine.scan(this.step, this.state, this.data, this.rows, 0, 1000)
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        after = engine.scan(this.step, this.state, this.data, this.rows, 0, steps)
        left, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert len(list(leaves(after))) == len(list(leaves(this.state)))
    return Traced(left, peak)


SURVIVES = """
import threading

import numba
import numpy as np

import bpx


@numba.njit(parallel=True)
def total(x):  # a user's own
    result = 0.0
    for i in numba.prange(x.size):
        result += x[i]
    return result


def fit(seed):
    net = bpx.Network([700, 600, 10], hidden="relu", seed=seed)
    net.fit(x, y, epochs=3, batch_size=50, optimizer=bpx.Adam(), seed=0)
    weights[seed, threading.current_thread().name] = net.weights[0].copy()


x, y = np.random.default_rng(0).random((500, 700), dtype=np.float32), np.arange(500) % 10
weights = {}
threads = [threading.Thread(target=fit, args=(seed,), name=n) for n in "ab" for seed in (0, 1)]
for thread in threads:
    thread.start()
sums = 0
while any(thread.is_alive() for thread in threads) or not sums:
    assert total(np.ones(1_000_000)) == 1e6
    sums += 1
for seed in (0, 1):
    np.testing.assert_array_equal(weights[seed, "a"], weights[seed, "b"])
print("survived")
"""


def test_threads_that_train_beside_parallel_numba_survive():
    if find_spec("numba") is None:
        pytest.skip("numba is not installed")
    environment = {**os.environ, "BPX_NUMBA": "on", "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run(
        [sys.executable, "-c", SURVIVES], env=environment, capture_output=True, text=True
    )
    assert ran.stdout.strip() == "survived", ran.stderr
    assert ran.returncode == 0
