"""Microseconds of one call: a prediction, a training step, and an epoch of a single step.

::

    python -m benchmarks.single [--repeats 9] [--window 0.05]

bpx and its peers take turns in one process, on one core, with one thread each, and NumPy's BLAS
chooses its kernels itself. Each call gets arrays of its own library, and finishes before the
next begins; the clock is CPU time. The network is 4-64-64-2 (ReLU, softmax with cross-entropy,
float32), and the optimizer Adam, which PyTorch fuses and JAX takes from optax.
"""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from statistics import median
from typing import Any

from benchmarks.clock import CLOCKS, each
from benchmarks.machine import blas, environment
from benchmarks.report import band, heading, number, table
from benchmarks.rounds import in_turn, of_each, ratio

__all__ = ["SUBJECTS", "main", "measured", "shown"]

Call = Callable[[], Any]

SIZES, BATCH, FEW, EPOCHS, ETA = (4, 64, 64, 2), 64, 24, 1000, 1e-3
SUBJECTS = ("predict, 1 row", "predict, 32 rows", "step, batch 64", "epoch of one step")
PEERS = ("bpx numpy", "bpx torch", "bpx jax", "PyTorch", "JAX")
_BESIDE = {"bpx numpy": "PyTorch", "bpx torch": "PyTorch", "bpx jax": "JAX"}
"""The peer that each engine is compared with."""
_CLEARED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
_SET = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.single")
    parser.add_argument("--repeats", type=int, default=9, help="rounds")
    parser.add_argument("--window", type=float, default=0.05, help="seconds a measurement")
    options = parser.parse_args(arguments)
    print(heading("Single calls", environment("numpy", "numba", "torch", "jax", "optax")))
    for subject in SUBJECTS:
        print(shown(subject, measured(subject, options.repeats, options.window)), end="\n\n")
    print(f"BLAS: {blas()}")


def measured(subject: str, repeats: int, window: float) -> dict[str, list[float]]:
    """The microseconds of each peer's call, round by round."""
    calls = of_each(map(_Named, PEERS), lambda peer: _warm(peer.name, subject))
    for name, why in calls.failed.items():
        print(f"{name} is left out: {why}")
    per = EPOCHS if subject == SUBJECTS[-1] else 1
    seconds = partial(each, clock=CLOCKS["cpu"], window=window)
    return in_turn(calls.of, repeats, lambda call: 1e6 * seconds(call) / per)


def shown(subject: str, times: Mapping[str, Sequence[float]]) -> str:
    """One subject's table: each ratio is that of medians, and above 1 bpx is faster."""
    rows = [
        (name, band(found), _compared(times, name)) for name, found in sorted_by(times).items()
    ]
    return table((subject, "µs", "ratio to bpx"), rows)


def sorted_by(times: Mapping[str, Sequence[float]]) -> dict[str, Sequence[float]]:
    """The peers, the fastest first."""
    return dict(sorted(times.items(), key=lambda item: median(item[1])))


def _compared(times: Mapping[str, Sequence[float]], name: str) -> str:
    peer = _BESIDE.get(name)
    if peer not in times:
        return ""
    return f"{peer} {number(ratio(times, peer, name))}"


class _Named(str):
    """A peer that is only a name."""

    @property
    def name(self) -> str:
        return str(self)


def _warm(name: str, subject: str) -> Call:
    make = {"PyTorch": _torch, "JAX": _jax}.get(name, partial(_bpx, name.removeprefix("bpx ")))
    call: Call = make(subject)
    for _ in range(1 if subject == SUBJECTS[-1] else 20):
        call()
    return call


def _samples(subject: str) -> tuple[Any, Any]:
    import numpy as np

    rows = dict(zip(SUBJECTS, (1, 32, BATCH, FEW), strict=True))[subject]
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, SIZES[0])).astype("float32")
    return x, rng.integers(0, SIZES[-1], rows).astype("int32")


def _bpx(backend: str, subject: str) -> Call:
    import bpx

    x, y = (bpx.asarray(a, backend, dtype=a.dtype.name) for a in _samples(subject))
    how: dict[str, Any] = {"hidden": "relu", "output": "softmax", "cost": "cross_entropy"}
    net = bpx.Network(SIZES, **how, seed=0, backend=backend)
    finish = {"jax": _finish}.get(backend, lambda result: result)
    if subject.startswith("predict"):
        return lambda: finish(net.predict(x))
    if subject == SUBJECTS[-1]:
        fit = {"epochs": EPOCHS, "batch_size": FEW, "optimizer": bpx.Adam(ETA), "seed": 0}
        return lambda: net.fit(x, y, **fit)
    trainer = bpx.Trainer(net, optimizer=bpx.Adam(ETA), seed=0)
    return lambda: finish(trainer.step(x, y))


def _finish(result: Any) -> Any:
    import jax

    return jax.block_until_ready(result)


def _torch(subject: str) -> Call:
    import torch
    from torch import nn

    torch.set_num_threads(1)
    x, y = map(torch.from_numpy, _samples(subject))
    pairs = pairwise(SIZES)
    layers = [part for m, n in pairs for part in (nn.Linear(m, n), nn.ReLU())][:-1]
    model, cost = nn.Sequential(*layers), nn.CrossEntropyLoss()
    if subject.startswith("predict"):
        return torch.no_grad()(partial(model.append(nn.Softmax(dim=1)).eval(), x))
    optimizer, labels = torch.optim.Adam(model.parameters(), ETA, fused=True), y.long()

    def step() -> Any:
        optimizer.zero_grad()
        loss = cost(model(x), labels)
        loss.backward()
        optimizer.step()
        return loss

    return _repeated(subject, step)


def _jax(subject: str) -> Call:
    import jax
    import jax.numpy as jnp
    import optax

    x, y = map(jnp.asarray, _samples(subject))
    keys = jax.random.split(jax.random.key(0), len(SIZES))
    pairs = zip(keys, SIZES, SIZES[1:], strict=False)
    layers = [(jax.random.normal(k, (m, n)) / m**0.5, jnp.zeros(n)) for k, m, n in pairs]
    optimizer = optax.adam(ETA)
    held = [layers, optimizer.init(layers)]

    def outputs(layers: Any, x: Any) -> Any:
        for w, b in layers[:-1]:
            x = jax.nn.relu(x @ w + b)
        return x @ layers[-1][0] + layers[-1][1]

    def loss(layers: Any, x: Any, y: Any) -> Any:
        each = optax.softmax_cross_entropy_with_integer_labels(outputs(layers, x), y)
        return jnp.mean(each)

    @jax.jit
    def after(layers: Any, state: Any, x: Any, y: Any) -> Any:
        cost, gradient = jax.value_and_grad(loss)(layers, x, y)
        updates, state = optimizer.update(gradient, state, layers)
        return optax.apply_updates(layers, updates), state, cost

    def step() -> Any:
        *held[:], cost = after(*held, x, y)
        return cost.block_until_ready()

    if subject.startswith("predict"):
        answer = jax.jit(lambda layers, x: jax.nn.softmax(outputs(layers, x)))
        return lambda: answer(layers, x).block_until_ready()
    return _repeated(subject, step)


def _repeated(subject: str, step: Call) -> Call:
    """A step, or as many as bpx has epochs."""
    if subject != SUBJECTS[-1]:
        return step
    return lambda: [step() for _ in range(EPOCHS)]


def alone() -> None:
    """Start this command anew, unless its environment already is as it must be."""
    known = {name: value for name, value in os.environ.items() if name not in _CLEARED}
    wanted = known | _SET
    if wanted != dict(os.environ):
        again = [sys.executable, "-m", "benchmarks.single", *sys.argv[1:]]
        os.execve(sys.executable, again, wanted)


if __name__ == "__main__":
    alone()
    main()
