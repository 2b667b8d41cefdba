"""Microseconds for a step of one of several ranks, and how it is divided: bpx's, or PyTorch's.

The first rank prints them as its last line. See `benchmarks.scaling`.
"""

import json
import os
import sys
from collections.abc import Callable
from itertools import islice
from time import perf_counter
from typing import Any

EPOCHS = 3
"""The epochs that are timed, after one that is not."""


def main() -> None:
    """Train as the words of the process say, and print what a step took."""
    from benchmarks.cases import Case

    way, (name, sizes, *others) = sys.argv[1], json.loads(sys.argv[2])
    case = Case(name, tuple(sizes), *others)
    rank, found = {"bpx": trained, "split": divided, "torch": by_torch}[way](case)
    found.pop("ranks", None)
    if rank == 0:
        print(json.dumps(found), flush=True)
    if way == "torch" and "WORLD_SIZE" in os.environ:
        # Freeing gloo's group can wait for ever, for a thread that waits for Python's lock.
        os._exit(0)


class Timed:
    """Ranks that note how long this one waits for the others, and then for the messages."""

    def __init__(self, inner: Any) -> None:
        self._inner, self.waited, self.summed = inner, 0.0, 0.0
        self.name, self.rank, self.size = inner.name, inner.rank, inner.size
        self.gather, self.broadcast, self.abort = inner.gather, inner.broadcast, inner.abort

    def all_reduce(self, x: Any) -> None:
        """Wait for all ranks, and then sum."""
        self._timed(self._inner.all_reduce, x)

    def reduce_scatter(self, x: Any, own: Any) -> None:
        """Wait for all ranks, and then sum, each its rows."""
        self._timed(self._inner.reduce_scatter, x, own)

    def swap_rows(self, x: Any, others: Any) -> None:
        """Wait for all ranks, and then exchange rows."""
        self._timed(self._inner.swap_rows, x, others)

    def all_gather(self, own: Any, x: Any) -> None:
        """Wait for all ranks, and then exchange rows."""
        self._timed(self._inner.all_gather, own, x)

    def _timed(self, send: Callable[..., None], *arrays: Any) -> None:
        began = perf_counter()
        self._inner._comm.Barrier()
        reached = perf_counter()
        send(*arrays)
        self.waited += reached - began
        self.summed += perf_counter() - reached


def trained(case: Any, wrap: Callable[[Any], Any] = lambda ranks: ranks) -> tuple[int, Any]:
    """Train on NumPy under MPI; return the rank, and the microseconds of a step."""
    import bpx
    from benchmarks.cases import network, optimizer, problem
    from bpx_backends.ranks.mpi import world

    numbers, ranks = problem(case), wrap(world("numpy"))
    training = bpx.train(
        network(case, 0, "numpy"),
        (numbers.x, numbers.y),
        epochs=EPOCHS + 1,
        batch_size=case.batch,
        optimizer=optimizer(case),
        seed=0,
        ranks=ranks if ranks.size > 1 else "off",
    )
    next(training)
    if isinstance(ranks, Timed):
        ranks.waited = ranks.summed = 0.0
    ranks.gather(None)
    began = perf_counter()
    for _ in islice(training, EPOCHS):
        pass
    ranks.gather(None)
    steps = EPOCHS * case.steps
    return ranks.rank, {"step": 1e6 * (perf_counter() - began) / steps, "ranks": ranks}


def divided(case: Any) -> tuple[int, Any]:
    """Train with a barrier before each sum; return the parts of a step."""
    rank, found = trained(case, Timed)
    ranks, steps = found.pop("ranks"), EPOCHS * case.steps
    waited, summed = 1e6 * ranks.waited / steps, 1e6 * ranks.summed / steps
    parts = {"waited": waited, "summed": summed, "computed": found["step"] - waited - summed}
    mean = {
        name: sum(each[name] for each in ranks.gather(parts)) / ranks.size for name in parts
    }
    return rank, {**found, **mean}


def by_torch(case: Any) -> tuple[int, Any]:
    """Train by PyTorch's DistributedDataParallel over gloo, or alone, as its users write it."""
    import torch
    from torch import distributed
    from torch.nn.parallel import DistributedDataParallel

    from benchmarks.cases import problem
    from benchmarks.peers._torch import _Trainer

    rank, size = (int(os.environ.get(name, first)) for name, first in _PLACE)
    trainer = _Trainer(problem(case))
    if size > 1:
        distributed.init_process_group("gloo")
        trainer.model = DistributedDataParallel(trainer.model)
    share = -(-case.batch // size)

    def step(rows: torch.Tensor) -> None:
        trainer.step(rows[rank * share : (rank + 1) * share])

    epoch = trainer.epochs(step)
    epoch()
    if size > 1:
        distributed.barrier()
    began = perf_counter()
    for _ in range(EPOCHS):
        epoch()
    if size > 1:
        distributed.barrier()
    seconds = perf_counter() - began
    return rank, {"step": 1e6 * seconds / (EPOCHS * case.steps)}


_PLACE = (("RANK", "0"), ("WORLD_SIZE", "1"))


if __name__ == "__main__":
    main()
