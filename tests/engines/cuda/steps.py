"""Steps for the CUDA engine's suites, and the comparison of it with the eager loop.

The kernels' numbers are checked on the host, where the same source runs as C++ with fibers
for threads (`emulation`); the modules that make the CUDA calls, on stand-ins for CuPy and
nvmath-python (`fakes`). What is marked ``gpu`` needs a device.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import bpx
from bpx.optim.limits import penalised
from bpx.program.contract import eager, leaves, rebuilt
from bpx.program.plan import plan
from bpx.program.record import record
from bpx.training.parallel.steps import Shard, ranked
from bpx.training.start import first_state
from bpx.training.step import Data, TrainingStep, zero_metrics
from bpx_backends.engines.cuda.engine import CupyEngine
from bpx_backends.engines.cuda.schedule import fuses, schedule
from tests.backends import host
from tests.engines.cuda import fakes
from tests.engines.cuda.emulation import EmulatedMachines

STEPS = 20
OPTIMIZERS = {
    "sgd": bpx.SGD(0.3),
    "momentum": bpx.SGD(0.1, momentum=0.9),
    "nesterov": bpx.SGD(0.1, momentum=0.9, nesterov=True),
    "adam": bpx.Adam(0.01),
}
HEADS = [
    *((name, "quadratic") for name in bpx.activations.ACTIVATIONS),
    ("sigmoid", "binary_cross_entropy"),
    ("softmax", "categorical_cross_entropy"),
]
S = {
    "sizes": (784, 30, 10), "batch": 10, "hidden": "sigmoid", "output": "sigmoid",
    "cost": "quadratic", "optimizer": bpx.SGD(3.0),
}  # fmt: skip
M = {
    "sizes": (784, 512, 512, 10), "batch": 128, "hidden": "relu", "output": "softmax",
    "cost": "cross_entropy", "optimizer": bpx.Adam(),
}  # fmt: skip


class Run(NamedTuple):
    """A step with all that it needs, on the host."""

    step: Any
    state: Any
    data: Any
    rows: np.ndarray

    def eagerly(self, steps: int | None = None) -> list[np.ndarray]:
        with np.errstate(all="ignore"):
            stop = len(self.rows) if steps is None else steps
            return list(leaves(eager(self.step, self.state, self.data, self.rows, 0, stop)))

    def after(self, scan: Any, *ends: int) -> list[np.ndarray]:
        state, start = self.state, 0
        for stop in ends or (len(self.rows),):
            state = scan(self.step, state, self.data, self.rows, start, stop)
            start = stop
        return [host(leaf) for leaf in leaves(state)]

    def scheduled(self, **settings: Any) -> Any:
        program = record(self.step, self.state, self.data, self.rows[0])
        return schedule(plan(program, fuses), **settings)


def training(
    sizes=(6, 5, 4), *, optimizer=OPTIMIZERS["sgd"], batch=7, steps=STEPS, decay=None,
    dtype="float32", real=False, samples=50, weighted=False, **settings,
) -> Run:  # fmt: skip
    rng = np.random.default_rng(1)
    net = bpx.Network(sizes, seed=3, dtype=dtype, **settings)
    sizes = net.sizes
    y = rng.random((samples, sizes[-1])) if real else rng.integers(0, sizes[-1], samples)
    data = Data(
        rng.random((samples, sizes[0])).astype(dtype),
        y.astype(dtype if real else "int32"),
        rng.integers(0, 4, samples).astype(dtype) / 2 if weighted else None,
    )
    accuracy = None if real else "argmax"
    like = net.parameters.like
    optimizer = penalised(optimizer, decay)
    state = first_state(net.spec, net.parameters, net.feedback, optimizer, 1)
    state = state._replace(metrics=zero_metrics(like, batch, accuracy, weighted))
    rows = rng.integers(0, samples, (steps, batch)).astype("int32")
    return Run(TrainingStep(net.spec, optimizer.update, accuracy), state, data, rows)


def agree(ours, theirs, within):
    """Each array, by the norm of the difference over the norm."""
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        assert np.isfinite(b).all()
        assert np.linalg.norm(a - b) <= within * np.linalg.norm(b)


WITHIN = {"tf32": 2e-2, "bfloat16": 5e-2, "float16": 2e-2}
"""How near the parameters come in a precision, after 20 steps of `wide`."""


def wide():
    """A step whose products tensor cores would take."""
    adam = OPTIMIZERS["adam"]
    return training((64, 256, 256, 16), hidden="relu", optimizer=adam, batch=64)


def agree_in(precision, run, ours):
    """Compare the parameters alone: an answer that was a near tie may turn."""
    exact = run.eagerly()
    count = len(list(leaves(run.state.parameters)))
    agree(ours[:count], exact[:count], WITHIN[precision])
    assert any(not np.array_equal(a, b) for a, b in zip(ours, exact, strict=True))


def near(dtype, steps=STEPS):
    """Sums in another order, step upon step."""
    return {"float32": 1e-5, "float64": 1e-13}[dtype]


def emulator(*, reverse=False, captures=True, precision="float32"):
    machines = EmulatedMachines(reverse=reverse, captures=captures)
    return CupyEngine(precision, machines), machines


def check(run, within=None, *, ends=(1, 9, STEPS), reverse=(False, True)):
    """Emulated steps against eager ones, whatever the order of blocks and threads."""
    expected = run.eagerly()
    entered = [leaf.copy() for leaf in leaves(run.state)]
    found = []
    for backwards in reverse:
        engine, _ = emulator(reverse=backwards)
        found.append(run.after(engine.scan))
        again = run.after(engine.scan, *ends)
        for one, other in zip(found[-1], again, strict=True):
            np.testing.assert_array_equal(one, other)
    agree(found[0], expected, within or near(expected[0].dtype.name))
    for one, other in zip(found[0], found[-1], strict=True):
        np.testing.assert_array_equal(one, other)  # no thread waits for luck
    for before, leaf in zip(entered, leaves(run.state), strict=True):
        np.testing.assert_array_equal(before, leaf)


class Own(NamedTuple):
    """A step by itself."""

    function: Callable[..., Any]

    def __call__(self, state, data, rows):
        return self.function(state, data, rows)


def by_view(state, data, rows):
    xp = bpx.namespace(data[0])
    x = xp.take(data[0], rows, axis=0)
    picked = xp.astype(rows, x.dtype) * 0.01
    total = (
        xp.sum(data[0]) * xp.sum(x[:, 1:], axis=1) + xp.take(data[1], rows[::-1], axis=0)[:, 0]
    )
    flat = xp.reshape(x.mT, (-1,))[::2]
    w = 0.1 * state[0] + total[:3, None] * picked[:3] + xp.broadcast_to(x[0, :3], (3, 3))
    u = 0.1 * state[1] + xp.reshape(flat[:9], (3, 3)) + (x[:3, ::2] @ x[:3, ::2])
    return w, u + xp.max(x) + xp.prod(x[:3, :3], axis=1, keepdims=True)


def on_fakes(run):
    """The same, on the stand-in for CuPy."""

    def array(x):
        return fakes.array(np.asarray(x))

    state, data = (
        rebuilt(tree, [array(each) for each in leaves(tree)]) for tree in (run.state, run.data)
    )
    return Run(run.step, state, data, array(run.rows))


def of_rank(run, ranks):
    """The part of one of several ranks: its rows of each mini-batch, filled up."""
    m = run.rows.shape[1]
    width = -(-m // ranks.size)
    begin = width * ranks.rank
    live = min(width, m - begin)
    rows = np.zeros((len(run.rows), width), run.rows.dtype)
    rows[:, :live] = run.rows[:, begin : begin + live]
    like, fills = next(leaves(run.state.parameters)), m % ranks.size > 0
    shard = Shard(ranks, begin, m, live if fills else None, like.dtype.name)
    weighted = fills or run.state.metrics.weights is not None
    metrics = zero_metrics(like, width, "argmax", weighted)
    state = run.state._replace(metrics=metrics)
    return Run(ranked(run.step, shard), state, run.data, rows)


def parameters_of(run, ours):
    """Those of all arrays that a run gives: each rank has metrics of its own."""
    return ours[: len(list(leaves(run.state.parameters)))]
