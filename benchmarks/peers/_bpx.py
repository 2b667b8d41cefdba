"""bpx, through `bpx.train`, on each of its engines."""

import sys
from functools import partial

import bpx
from benchmarks.cases import Problem
from benchmarks.peers import Outcome, Train

OPTIMIZERS = {"sgd": bpx.SGD, "adam": bpx.Adam}


def on(backend: str, problem: Problem) -> Train:
    case = problem.case
    network = bpx.Network(
        case.sizes,
        hidden=case.hidden,
        output=case.output,
        cost=case.cost,
        seed=problem.seed,
        backend=backend,
        dtype="float32",
    )
    epochs = bpx.train(
        network,
        (problem.x, problem.y),
        epochs=sys.maxsize,
        batch_size=case.batch,
        optimizer=OPTIMIZERS[case.optimizer](case.eta),
        seed=problem.seed,
    )

    def train() -> Outcome:
        epoch = next(epochs)
        return Outcome(epoch.cost, epoch.accuracy)

    return train


on_numpy = partial(on, "numpy")
on_torch = partial(on, "torch")
on_jax = partial(on, "jax")
