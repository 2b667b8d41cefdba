"""The loop over the epochs of an estimator: bpx's own, with scikit-learn's mini-batches."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from warnings import warn

import numpy as np

from bpx.arrays.host import HostArray
from bpx.arrays.transfer import to_host
from bpx.interop.sklearn.batches import OrderedBatches
from bpx.interop.sklearn.optimizers import optimizer_of
from bpx.interop.sklearn.problem import Problem
from bpx.interop.sklearn.rows import dense, is_sparse, targets
from bpx.interop.sklearn.step import PenalisedData, PenalisedStep
from bpx.model.inputs import Samples
from bpx.training.arguments import Options, job_of, scheduled
from bpx.training.attached import Attached, check_callbacks
from bpx.training.course import Course
from bpx.training.loop import Loop
from bpx.training.observers import Observer

__all__ = ["KeptOptimizer", "Order", "closed", "kept_optimizer", "loop_of"]

_FEW = 64
"""The rows of a sparse matrix with which the network is tried out."""


@dataclass(frozen=True)
class KeptOptimizer:
    """An optimizer between two fits: all that `partial_fit` and `resume` continue from.

    Attributes
    ----------
    learning_rate : float or None
        That of the next step.
    arrays : mapping of str to host array
        The optimizer's state and the random layers', by their places.
    numbers : mapping of str to int
        The epochs and steps so far, and the seed.
    order : host array or None
        The order of the samples in the last epoch; None if the next fit begins with theirs.
    """

    learning_rate: float | None
    arrays: Mapping[str, HostArray]
    numbers: Mapping[str, int]
    order: HostArray | None = None


def loop_of(
    estimator: Any,
    problem: Problem,
    network: Any,
    order: Callable[[], HostArray],
    observers: Sequence[Observer],
    kept: KeptOptimizer | None,
) -> Loop:
    """Prepare the training of a network on a problem, for `max_iter` epochs.

    Parameters
    ----------
    estimator
        Its parameters say how to train.
    problem, network
    order : callable
        ``order()`` draws the order of the samples in the next epoch.
    observers : sequence of Observer
    kept : KeptOptimizer or None
        The state to continue from.
    """
    size = _batch_size(estimator.batch_size, problem.n)
    with problem.home.active():
        data, tried = _data(problem)
        options = Options(optimizer=optimizer_of(estimator))
        job = job_of(network, tried, options, int(estimator.max_iter), 0.0)
        step = PenalisedStep(job.step, job.step.update, problem.share)
        batches = OrderedBatches(problem.home, step, data, size, order)
        course = Course(network, scheduled(job, batches.steps), _seed(estimator, network, kept))
        _continue(course, kept)
    changed: dict[str, Any] = {"step": step, "data": data}
    job = replace(job, epochs=course.epochs + int(estimator.max_iter), **changed)
    attached = Attached(None, check_callbacks(estimator.callbacks or ()))
    return Loop(course, job, batches, observers, attached=attached)


@contextmanager
def closed(loop: Loop) -> Iterator[None]:
    """Release what the engine keeps, and close the callbacks, at the end of a block."""
    try:
        yield
    finally:
        loop.course.home.release()
        loop.attached.close()


def kept_optimizer(course: Course, order: HostArray | None) -> KeptOptimizer:
    """Return what a later training of the same network continues from."""
    arrays, numbers = course.described()
    own = {name: np.array(to_host(x)) for name, x in arrays.items() if not _is_weight(name)}
    eta = course.eta
    return KeptOptimizer(eta if isinstance(eta, float) else None, own, numbers, order)


def _continue(course: Course, kept: KeptOptimizer | None) -> None:
    """Set the course to a kept state, unless that is of another optimizer."""
    if kept is None:
        return
    own, _ = course.described()
    weights = {name: x for name, x in own.items() if _is_weight(name)}
    if {**weights, **kept.arrays}.keys() == own.keys():
        arrays = {**weights, **kept.arrays}
        course.restore(course.state_of("the kept optimizer", arrays, kept.numbers))


def _is_weight(name: str) -> bool:
    return name.startswith("parameters")


def _data(problem: Problem) -> tuple[PenalisedData, Samples]:
    """Return the samples to train on, and some at home to try the network out."""
    home, s = problem.home, problem.s
    alpha = home.asarray([problem.alpha]) if problem.alpha else None
    if is_sparse(problem.x):
        some = problem.rows(np.arange(min(_FEW, problem.n)))
        tried = Samples(dense(some.x, home), targets(some.y, home), None)
        return PenalisedData(problem.x, problem.y, s, alpha), tried
    x, y = dense(problem.x, home), targets(problem.y, home)
    data = PenalisedData(x, y, None if s is None else home.asarray(s), alpha)
    return data, Samples(x, y, None)


def _batch_size(given: Any, n: int) -> int:
    if isinstance(given, str):  # "auto"
        return min(200, n)
    if given > n:
        warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be "
            "clipped",
            stacklevel=2,
        )
    return int(np.clip(given, 1, n))


class Order:
    """Draws the order of each epoch's samples from that of the last one, as scikit-learn does.

    Parameters
    ----------
    n : int
        The number of samples.
    random : RandomState or None
        None for the samples' own order.
    last : host array or None
        The order to begin from; one of another number of samples is ignored.
    """

    def __init__(
        self, n: int, random: np.random.RandomState | None, last: HostArray | None = None
    ) -> None:
        self._random = random
        self.last = last if last is not None and last.size == n else np.arange(n)

    def __call__(self) -> HostArray:
        """Return the order of the next epoch."""
        if self._random is not None:
            indices = np.arange(self.last.size)
            self._random.shuffle(indices)
            self.last = self.last[indices]
        return self.last


def _seed(estimator: Any, network: Any, kept: KeptOptimizer | None) -> int:
    """Return the kept seed of random layers, or draw one if there are some."""
    if kept is not None:
        return kept.numbers["seed"]
    if not any(layer.draws for layer in network.spec.layers):
        return 0
    return int(estimator._random_state.randint(np.iinfo(np.int32).max))
