"""Steps whose learning rate rises: the costs of a network that is not changed."""

from collections.abc import Iterator
from itertools import count
from typing import Any

from bpx._typing import Array
from bpx.arrays.host import batches, total
from bpx.arrays.transfer import to_host
from bpx.program.contract import after
from bpx.training.arguments import Job
from bpx.training.course import Trainable
from bpx.training.mixed import scales_loss
from bpx.training.start import first_state
from bpx.training.step import zero_metrics
from bpx.training.suggestions import Divergence

__all__ = ["rising_costs"]

READ_STEPS = 20
"""The steps after which costs are read on the host; this changes no digit of them."""


def rising_costs(
    network: Trainable, job: Job, batch_size: int, seed: int, steps: int
) -> tuple[list[float], bool]:
    """Train from the network's weights, and return each step's cost before its update.

    Parameters
    ----------
    network : Trainable
        A network with an active home. It is not changed.
    job : Job
        Its optimizer has the rising learning rate.
    batch_size, seed : int
        The mini-batches are those of `bpx.train`, without smaller last ones.
    steps : int
        The largest number of steps.

    Returns
    -------
    list of float, bool
        The costs, and whether they diverged: then the last one is where this was noticed.
    """
    home, step = job.home, job.step
    arrays = network.spec, network.parameters, network.feedback
    scaled = scales_loss(home, step.precision)
    state = first_state(*arrays, job.optimizer, seed, loss_scale=scaled)
    zero = zero_metrics(state.parameters.like, batch_size, step.accuracy, job.weighted)
    found: list[float] = []
    waiting: list[Array] = []
    divergence = Divergence()
    rows = _rows(home, job.n, batch_size, seed)
    for i in range(1, steps + 1):
        matrix, at = next(rows)
        state = state._replace(metrics=zero)
        state = after(i - 1 - at, job.scan)(step, state, job.data, matrix, at, at + 1)
        waiting.append(state.metrics.cost)
        if len(waiting) == READ_STEPS or i == steps:
            for cost in waiting:
                found.append(total(to_host(cost)) / batch_size)
                if divergence.reached(found[-1]):
                    return found, True
            waiting.clear()
    return found, False


def _rows(home: Any, n: int, batch_size: int, seed: int) -> Iterator[tuple[Array, int]]:
    """Yield an index matrix and a row of it for each step, epoch after epoch."""
    for epoch in count(1):
        part = batches(seed, epoch, n, batch_size, shuffle=True)[0]
        matrix = home.asarray(part, "int32")
        for at in range(part.shape[0]):
            yield matrix, at
