"""`train` on a stream of mini-batches that the caller makes."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from bpx._validate import number, pair_or_triple, whole
from bpx.arrays.host import check_seed
from bpx.errors import InputError
from bpx.model.inputs import Samples
from bpx.model.mini_batch import mini_batch
from bpx.model.weights import weighted
from bpx.network.tables import arrays
from bpx.training.accumulated import check_enough
from bpx.training.arguments import Options, job_of, scheduled
from bpx.training.course import Course
from bpx.training.loop import Loop
from bpx.training.mixed import scales_loss
from bpx.training.observers import Observer
from bpx.training.stream import Stream, Streamed

__all__ = ["refuse", "streaming"]

_INSTEAD = {
    "data": "give one of them",
    "lmbda": "give its coefficient, lmbda / n, as penalty",
    "penalty": "give lmbda, which is n times as large",
    "sample_weight": "let batches yield (x, y, sample_weight)",
    "validation_split": "give validation=(x, y)",
    "shuffle": "batches are used in the order in which they come",
}


def streaming(
    network: Any,
    batches: Any,
    options: Options,
    epochs: int | None,
    steps_per_epoch: int | None,
    penalty: float,
    seed: int | None,
    observers: Sequence[Observer],
) -> Loop:
    """Set up the training of a network on a stream, and check its first mini-batch.

    Parameters
    ----------
    network, batches, epochs, steps_per_epoch, penalty, seed, observers
        As for `bpx.train`.
    options : Options

    Raises
    ------
    InputError
        If an argument, or the first mini-batch, cannot be used.
    """
    penalty = number("penalty", penalty, "a number of at least 0", lambda v: v >= 0.0)
    asked, steps = _count("epochs", epochs), _count("steps_per_epoch", steps_per_epoch)
    stream = Stream(batches, steps)
    _check_epochs(stream, asked, steps)
    arrive, drawn = partial(_arrived, network), check_seed(seed)
    with network.home.active():
        job = job_of(network, arrive(stream.first), options, asked, penalty)
        own = Streamed(network.home, job.step, stream, arrive, job.weighted)
        rule = scheduled(job, own.steps)
        scaled = scales_loss(network.home, job.step.precision)
        return Loop(Course(network, rule, drawn, loss_scale=scaled), job, own, observers)


def refuse(where: str, given: Mapping[str, Any], instead: Mapping[str, str] = _INSTEAD) -> None:
    """Refuse arguments of `train` that do not apply with, or without, batches.

    Parameters
    ----------
    where : str
    given : mapping of str
        The arguments by name; None for one that was not given.
    instead : mapping of str to str, optional
        What to do instead of giving each argument; by default, those for batches.

    Raises
    ------
    InputError
        Naming the first argument that was given.
    """
    for name, value in given.items():
        if value is not None:
            way = instead.get(name, "omit it")
            raise InputError(f"{name} was given {where}; {way}")


def _count(name: str, value: Any) -> int | None:
    return (
        None if value is None else whole(name, value, 1, None, "a whole number of at least 1")
    )


def _check_epochs(stream: Stream, epochs: int | None, steps: int | None) -> None:
    if stream.lasts and epochs is None:
        raise InputError(
            "epochs is missing, and batches can be iterated again and again; give epochs"
        )
    if not stream.lasts and steps is None and (epochs or 1) > 1:
        raise InputError(
            f"epochs={epochs} was given, but batches is an iterator, which runs only once; "
            "give steps_per_epoch, or an iterable that can be repeated, such as a list"
        )


def _arrived(network: Any, batch: Any) -> Samples:
    x, y, s = pair_or_triple("a mini-batch", batch)
    x, y = arrays(network.schema, x, y)
    found = mini_batch(network.home, network.spec, x, y)
    check_enough(network.spec, found.x.shape[0])
    return weighted(network.home, network.spec, found, s)
