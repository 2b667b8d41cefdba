"""The epochs of a training: the loop yields a record of each, and decides nothing."""

from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import Protocol

from bpx._typing import Array
from bpx.errors import InputError
from bpx.model.evaluate import Evaluation, evaluate
from bpx.model.inputs import Placed
from bpx.model.parameters import Parameters
from bpx.training.arguments import Training
from bpx.training.batches import Batches
from bpx.training.chunks import Chunks
from bpx.training.divergence import check_parameters
from bpx.training.observers import Observer, observed
from bpx.training.records import Epoch, Sums
from bpx.training.start import first_state
from bpx.training.step import State

__all__ = ["Trainable", "adopted", "train"]


class Trainable(Placed, Protocol):
    """What training asks of a network."""

    def publish(self, parameters: Parameters, feedback: tuple[Array, ...]) -> None:
        """Take up the weights and biases of a finished epoch, and its feedback arrays."""


def train(
    network: Trainable, training: Training, batches: Batches, observers: Sequence[Observer]
) -> Iterator[Epoch]:
    """Train a network, whose home is active, yielding a record after each epoch.

    Parameters
    ----------
    network : Trainable
        It is given new arrays at the end of each epoch.
    training : Training
    batches : Batches
        Of the training's data.
    observers : sequence of Observer
        Of names of their own.

    Raises
    ------
    InputError
        If the optimizer's first state cannot be used: at once, not at the first ``next``.
    DivergenceError
        If the cost or the weights turn non-finite.
    """
    arrays = network.parameters, network.feedback
    state = first_state(network.spec, *arrays, training.optimizer, training.seed)
    state = state._replace(extra=batches.start())
    return _epochs(network, training, batches, observers, state)


def adopted(network: Trainable, state: State) -> State:
    """The state, with those of the network's arrays that are not the state's own.

    After an epoch they are the same objects, unless the caller has set others.
    """
    if network.parameters is not state.parameters:
        state = state._replace(parameters=network.parameters)
    if network.feedback is not state.feedback:
        state = state._replace(feedback=network.feedback)
    return state


def _epochs(
    network: Trainable,
    training: Training,
    batches: Batches,
    observers: Sequence[Observer],
    state: State,
) -> Iterator[Epoch]:
    weighted = training.data.s is not None
    chunks = Chunks(training.scan, training.step.accuracy, training.tell, weighted)
    try:
        for epoch in range(1, training.epochs + 1):
            _check_home(training, network)
            with training.home.active():
                state = adopted(network, state)
                state, sums = _epoch(chunks, batches, state, epoch)
                seconds, rate = sums.seconds, sums.rate
                check_parameters(state.parameters, epoch)
                told = batches.finish()
                network.publish(state.parameters, state.feedback)
                validation = _validated(training, state)
                seen = {**told, **observed(observers, state, training.data, epoch)}
            yield Epoch(epoch, *sums.means, validation, seconds, rate, seen)
    finally:
        del state
        training.home.release()


def _epoch(chunks: Chunks, batches: Batches, state: State, epoch: int) -> tuple[State, Sums]:
    started = perf_counter()
    samples, stretches = batches(epoch)
    sums = Sums(epoch, samples, started)
    for stretch in stretches:
        state, sums = chunks(state, stretch, sums)
    return state, sums


def _validated(training: Training, state: State) -> Evaluation | None:
    if training.validation is None:
        return None
    return evaluate(training.step.spec, state.parameters, training.validation, training.metrics)


def _check_home(training: Training, network: Trainable) -> None:
    home = training.home
    if network.home != home:
        raise InputError(
            f"the network moved from {home}, {home.dtype}, to {network.home}, "
            f"{network.home.dtype}, while it was trained; move it before or after"
        )
