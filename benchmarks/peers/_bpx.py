"""bpx, through `bpx.train` and `Network.predict`, on each of its engines."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import bpx
from benchmarks.cases import Problem, network, optimizer
from benchmarks.peers import Answer, Outcome, Train

BACKENDS = {
    ("numpy", "cpu"): "numpy",
    ("torch", "cpu"): "torch:cpu",
    ("torch", "cuda"): "torch:cuda",
    ("jax", "cpu"): "jax:cpu",
    ("jax", "cuda"): "jax:gpu",
    ("cupy", "cuda"): "cupy",
}


def training(engine: str, problem: Problem, *, with_numba: str = "off") -> Train:
    case = problem.case
    epochs = bpx.train(
        network(case, problem.seed, BACKENDS[engine, problem.device]),
        (problem.x, problem.y),
        epochs=sys.maxsize,
        batch_size=case.batch,
        optimizer=optimizer(case),
        seed=problem.seed,
    )

    def train() -> Outcome:
        with _numba(with_numba):
            epoch = next(epochs)
        return Outcome(epoch.cost, epoch.accuracy)

    return train


numpy = partial(training, "numpy")
numba = partial(training, "numpy", with_numba="on")
torch = partial(training, "torch")
jax = partial(training, "jax")
cupy = partial(training, "cupy")


def answering(engine: str, problem: Problem, batch: int) -> Answer:
    """`predict` returns the outputs on the samples' device: here, the network's."""
    net = network(problem.case, problem.seed, BACKENDS[engine, problem.device])
    x = bpx.move_to(problem.x[:batch], like=net.weights[0])
    finished = _finisher(engine, problem.device)
    return lambda: finished(net.predict(x))


answers_numpy = partial(answering, "numpy")
answers_torch = partial(answering, "torch")
answers_jax = partial(answering, "jax")
answers_cupy = partial(answering, "cupy")


@contextmanager
def _numba(wish: str) -> Iterator[None]:
    """Choose whether the NumPy engine uses numba, which it checks whenever it trains."""
    before = os.environ.get("BPX_NUMBA")
    os.environ["BPX_NUMBA"] = wish
    try:
        yield
    finally:
        del os.environ["BPX_NUMBA"]
        if before is not None:
            os.environ["BPX_NUMBA"] = before


def _finisher(engine: str, device: str) -> Callable[[Any], Any]:
    """Returns an answer once it is computed."""
    if engine == "jax":
        return sys.modules["jax"].block_until_ready
    if device == "cuda":
        return partial(_synchronized, engine)
    return lambda answer: answer


def _synchronized(engine: str, answer: Any) -> Any:
    cuda = sys.modules[engine].cuda
    cuda.synchronize() if engine == "torch" else cuda.Device().synchronize()
    return answer
