"""The training loop: it yields a record of each epoch, and decides nothing.

An epoch's mini-batches are index matrices; the backend's engine runs them in chunks of
about half a second, between which progress is told and Ctrl-C is heard. Only there, and
never inside a chunk, is a value of the device read on the host.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import isfinite
from time import perf_counter
from typing import Any, Protocol

from bpx._typing import Array
from bpx._validate import number, whole
from bpx.arrays.home import Home
from bpx.arrays.host import check_seed, total
from bpx.arrays.registry import compiled, namespace
from bpx.arrays.transfer import to_host
from bpx.errors import InputError
from bpx.inspect.health.probe import HealthProbe, prepare
from bpx.model.dry_run import rehearse
from bpx.model.evaluate import Evaluation, evaluate
from bpx.model.inputs import Samples, samples
from bpx.model.spec import Parameters
from bpx.optim.rules import Optimizer, check_optimizer, initial
from bpx.privacy.dpsgd import DPSGD, check_privacy
from bpx.privacy.schedule import Account, sampled
from bpx.program.contract import Scan, eager
from bpx.training.batches import Batches, Shuffled, Stretch
from bpx.training.divergence import Replay, check_parameters, find_divergence
from bpx.training.observers import Observer, check_observers, observed
from bpx.training.records import Epoch, Progress, Sums
from bpx.training.step import Data, Metrics, State, TrainingStep, joined, zero_metrics

__all__ = ["Trainable", "train"]

CHUNK_SECONDS = 0.5
KEPT_SECONDS = 5.0
SUM_STEPS = 4096


class Trainable(Account, Protocol):
    """What training asks of a network."""

    def publish(self, parameters: Parameters, feedback: tuple[Array, ...]) -> None:
        """Take up the weights and biases of a finished epoch, and its feedback arrays."""


@dataclass(frozen=True)
class _Plan:
    """One call of `train`, validated: what does not change from epoch to epoch."""

    home: Home
    step: TrainingStep
    data: Data
    validation: Samples | None
    epochs: int
    batches: Batches
    scan: Scan
    tell: Callable[[Progress], None]
    observers: Sequence[Observer]


@dataclass(frozen=True)
class _Kept:
    """A state that stays as it is, from which the steps since can be run again."""

    state: State
    start: int
    at: float = field(default_factory=perf_counter)


@dataclass
class _Pace:
    """The length of the next chunk: as many steps as take about half a second."""

    steps: int = 1

    def adjust(self, steps: int, seconds: float) -> None:
        fitting = int(steps * CHUNK_SECONDS / max(seconds, 1e-9))
        self.steps = max(1, min(fitting, 8 * max(steps, self.steps)))


def train(
    network: Trainable,
    data: tuple[Any, Any],
    *,
    epochs: int,
    batch_size: int,
    optimizer: Optimizer,
    lmbda: float = 0.0,
    validation: tuple[Any, Any] | None = None,
    seed: int | None = None,
    shuffle: bool = True,
    drop_last: bool = False,
    compile: bool = True,  # noqa: A002 - the field's word
    precision: str = "float32",
    privacy: DPSGD | None = None,
    progress: Callable[[Progress], None] | None = None,
    health: bool | HealthProbe = False,
    observers: Sequence[Observer] = (),
) -> Iterator[Epoch]:
    """Train a network, yielding a record after each epoch.

    The network is trained from its current weights, with a fresh optimizer state. It is
    given new arrays at the end of each epoch, just before the record is yielded, and keeps
    those of the last finished epoch if training is interrupted, diverges, or is left.

    Parameters
    ----------
    network : Network
        Weights that the caller sets between epochs are taken up.
    data : pair of arrays
        x of shape (n, k_0) and y: labels (n,), or numbers (n,) or (n, k_L). Of any library;
        brought to the network's home once; never shuffled, written or freed.
    epochs : int
        How often to go through the samples, at least 1.
    batch_size : int
        Samples in a mini-batch, 1 ... n. A ragged last batch is trained on as it is.
    optimizer : Optimizer
        `SGD`, `Adam`, or a value of your own with `init` and `update`.
    lmbda : float, optional
        The L2 penalty: ``lmbda / n * w`` is added to BP4's gradient, whatever the optimizer;
        the biases are left out (the book's (87)).
    validation : pair of arrays, optional
        Evaluated after each epoch.
    seed : int, optional
        Of the order of the samples, which is the same on every backend.
    shuffle : bool, optional
        If False, every epoch takes the samples in their own order.
    drop_last : bool, optional
        If True, a ragged last batch is left out of the epoch.
    compile : bool, optional
        If False, plain eager calls instead of the backend's engine.
    precision : str, optional
        What the matrix products of float32 networks are computed in, where the backend has a
        choice: ``"tf32"``, ``"float16"`` or ``"bfloat16"``, on CuPy. Their sums, all else that
        is computed, and all that is stored, are float32.
    privacy : bpx.privacy.DPSGD, optional
        Train by DP-SGD: batches by Poisson sampling, of which `batch_size` is the expected
        size, clipped gradients, and noise. Each record then tells what has been spent. With
        `seed`, ``shuffle=False`` or ``drop_last=True`` it is refused.
    progress : callable, optional
        Called with a `Progress` about twice a second.
    health : bool or HealthProbe, optional
        If True, each record has the network's `Health` on 500 of the training samples. That
        costs a pass over them and a step more for each epoch, and leaves the training as it is.
        Of private training there are no updates in it, and, as the cost, it is computed from
        the samples as they are.
    observers : sequence of Observer, optional
        What is to look at the network after each epoch, and to have its say in the record: see
        `bpx.Observer`.

    Yields
    ------
    Epoch

    Raises
    ------
    InputError
        If an argument cannot be used: at once, not at the first ``next``.
    DivergenceError
        If the cost or the weights turn non-finite.

    Examples
    --------
    >>> net = bpx.Network([2, 3, 2], seed=0)
    >>> x, y = [[0.0, 1.0], [1.0, 0.0]], [0, 1]
    >>> for epoch in bpx.train(net, (x, y), epochs=2, batch_size=1, optimizer=bpx.SGD(1.0)):
    ...     print(epoch.number)
    1
    2
    """
    check_optimizer(optimizer)
    seen_by = check_observers(observers, taken=("health", "privacy"))
    lmbda = number("lmbda", lmbda, "a number of at least 0", lambda v: v >= 0.0)
    x, y = _pair(data, "data")
    with network.home.active():
        arrived = samples(network.home, network.spec, x, y)
        n = arrived.x.shape[0]
        size = whole(
            "batch_size", batch_size, 1, n, f"a whole number in 1 ... {n}, the samples"
        )
        precise = _precision(network.home, precision, compile)
        step = TrainingStep(network.spec, optimizer.update, arrived.accuracy, precise)
        _check_hashable(step)
        read = Data(arrived.x, arrived.y)
        state = _start(network, optimizer, lmbda / n)
        drawn = check_seed(seed)
        check_privacy(privacy, n, seed, shuffle, drop_last)
        batches = _batches(network, step, read, size, privacy, (drawn, shuffle, drop_last))
        state = state._replace(extra=batches.start())
        look = prepare(health, network.home, step, n, None if privacy else size, drawn)
        plan = _Plan(
            home=network.home,
            step=step,
            data=read,
            validation=_validation(network, validation),
            epochs=whole("epochs", epochs, 1, None, "a whole number of at least 1"),
            batches=batches,
            scan=network.home.backend.scan if compile else eager,
            tell=progress or (lambda _: None),
            observers=seen_by if look is None else (look, *seen_by),
        )
        _rehearse(plan, network, compile)
        return _epochs(plan, network, state)


def _batches(
    network: Trainable,
    step: TrainingStep,
    data: Data,
    batch_size: int,
    privacy: DPSGD | None,
    order: tuple[int, bool, bool],
) -> Batches:
    """The mini-batches. `order`: the seed, whether to shuffle, whether to drop the last."""
    if privacy is not None:
        return sampled(network, step, data, batch_size, privacy)
    return Shuffled(network.home, step, data, batch_size, *order)


def _rehearse(plan: _Plan, network: Trainable, compile: bool) -> None:  # noqa: A002
    """Run two samples through, the first and the last (of one, twice the same)."""
    xp = namespace(plan.data.x)
    two = plan.home.asarray([0, plan.data.x.shape[0] - 1], "int32")
    x, y = (xp.take(each, two, axis=0) for each in plan.data)
    run = compiled(rehearse, 1, x) if compile else rehearse
    run(plan.step.spec, network.parameters, x, y, network.feedback)


def _check_hashable(step: TrainingStep) -> None:
    try:
        hash(step)
    except TypeError as why:
        raise InputError(
            "an activation, the cost, the feedback or the optimizer's update cannot be hashed "
            f"({why}); make it a function, or a value such as a frozen dataclass, so that "
            "steps compile once"
        ) from None


def _start(network: Trainable, optimizer: Optimizer, decay: float) -> State:
    parameters, feedback = network.parameters, network.feedback
    like = parameters.b[0][:1]
    return State(
        parameters,
        initial(optimizer, joined(network.spec, parameters, feedback)),
        namespace(like).full_like(like, decay) if decay else None,
        Metrics(like, None),
        feedback,
    )


def _epochs(plan: _Plan, network: Trainable, state: State) -> Iterator[Epoch]:
    pace = _Pace()
    try:
        for epoch in range(1, plan.epochs + 1):
            _check_home(plan, network)
            with plan.home.active():
                state = state._replace(parameters=network.parameters, feedback=network.feedback)
                state, sums = _epoch(plan, pace, state, epoch)
                seconds, rate = sums.seconds, sums.rate
                check_parameters(state.parameters, epoch)
                # Counted before it is there to be seen.
                told = plan.batches.finish()
                network.publish(state.parameters, state.feedback)
                validation = _validate(plan, state)
                seen = {**told, **observed(plan.observers, state, plan.data, epoch)}
            yield Epoch(epoch, *sums.means, validation, seconds, rate, seen)
    finally:
        del state
        plan.home.release()


def _epoch(plan: _Plan, pace: _Pace, state: State, epoch: int) -> tuple[State, Sums]:
    started = perf_counter()
    samples, stretches = plan.batches(epoch)
    sums = Sums(epoch, samples, started)
    for stretch in stretches:
        state, sums = _train_on(plan, pace, state, stretch, sums)
    return state, sums


def _train_on(
    plan: _Plan, pace: _Pace, state: State, stretch: Stretch, sums: Sums
) -> tuple[State, Sums]:
    """Run the batches of one index matrix, in chunks.

    The metrics are summed up on the device for `SUM_STEPS` steps, whatever the chunks, so
    that where these end changes no digit, and then taken to the host, in float64.
    """
    zero = zero_metrics(state.parameters.b[0], stretch.width, plan.step.accuracy)
    for first in range(stretch.start, stretch.stop, SUM_STEPS):
        state, start, so_far = state._replace(metrics=zero), first, sums
        kept = _Kept(state, first)
        last = min(first + SUM_STEPS, stretch.stop)
        while start < last:
            stop, began = min(start + pace.steps, last), perf_counter()
            donate = start > kept.start  # then only we have it
            state = plan.scan(
                stretch.step, state, stretch.data, stretch.rows, start, stop, donate
            )
            so_far = sums.plus(*_read(state.metrics), sum(stretch.sizes[first:stop]))
            pace.adjust(stop - start, perf_counter() - began)
            if not isfinite(so_far.cost):
                replay = Replay(
                    plan.scan, stretch.step, stretch.data, stretch.rows, kept.start, stop
                )
                raise find_divergence(replay, kept.state, sums.epoch, stretch.before)
            plan.tell(so_far.progress)
            start = stop
            if perf_counter() - kept.at > KEPT_SECONDS:
                kept = _Kept(state, start)
        sums = so_far
    return state, sums


def _read(metrics: Metrics) -> tuple[float, float | None]:
    """The sums so far, on the host."""
    hits = None if metrics.hits is None else total(to_host(metrics.hits))
    return total(to_host(metrics.cost)), hits


def _validate(plan: _Plan, state: State) -> Evaluation | None:
    if plan.validation is None:
        return None
    return evaluate(plan.step.spec, state.parameters, plan.validation)


def _check_home(plan: _Plan, network: Trainable) -> None:
    if network.home != plan.home:
        raise InputError(
            f"the network moved from {plan.home}, {plan.home.dtype}, to {network.home}, "
            f"{network.home.dtype}, while it was trained; "
            "move it before or after"
        )


def _validation(network: Trainable, validation: Any) -> Samples | None:
    if validation is None:
        return None
    names = ("validation x", "validation y")
    return samples(network.home, network.spec, *_pair(validation, "validation"), names)


def _pair(data: Any, name: str) -> tuple[Any, Any]:
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise InputError(f"{name} is {type(data).__name__}; expected a pair (x, y)")
    return data[0], data[1]


def _precision(home: Home, precision: str, compiled: bool) -> str:
    choice = getattr(home.backend, "precisions", ("float32",))
    if precision not in choice:
        raise InputError(
            f"precision={precision!r} was given; the products on {home} are computed in "
            f"{' or '.join(choice)}"
        )
    if precision != "float32" and (home.dtype != "float32" or not compiled):
        raise InputError(
            f"precision={precision!r} was given with dtype {home.dtype} and "
            f"compile={compiled}; it is for float32 networks on the backend's engine"
        )
    return precision
