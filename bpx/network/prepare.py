"""The preparation of a training: its arguments, checked, become a loop over epochs.

The modules that only privacy or health needs are imported on request.
"""

from dataclasses import dataclass, fields, replace
from typing import Any, Protocol

from bpx._validate import flag
from bpx.arrays.host import check_seed
from bpx.errors import InputError, option
from bpx.network.packing import Packed
from bpx.network.ranks import alone, ranked, shared
from bpx.network.resuming.begin import earlier_of, kept
from bpx.network.resuming.opening import Opened
from bpx.network.resuming.resumption import Resumption
from bpx.network.streams import refuse, streaming
from bpx.network.tables import Schema, as_arrays, by_label, measures, training_arrays
from bpx.network.training import Training
from bpx.network.windowed import is_stream, refuse_with_stream, samples_of
from bpx.network.windows import windowing
from bpx.privacy.dpsgd import DPSGD, check_privacy
from bpx.training.accumulated import Accumulated, check_accumulate
from bpx.training.arguments import (
    Job,
    Options,
    check_batch_size,
    check_last_batch,
    checked,
    scheduled,
)
from bpx.training.attached import Attached, check_callbacks
from bpx.training.batches import Batches, Shuffled
from bpx.training.course import Course, Trainable
from bpx.training.held_out import check_validation_split
from bpx.training.loop import Loop
from bpx.training.mixed import check_not_private, scales_loss
from bpx.training.observers import Observer, check_observers
from bpx.training.parallel.choice import chosen, devices
from bpx.training.rows import OWN
from bpx.training.stopping import Stopping, check_early_stopping

__all__ = ["Arguments", "Trainee", "prepare"]

_TAKEN = (*OWN, "callbacks", "early_stopping", "health", "privacy")
"""The names in rows, records and checkpoints that no observer may have."""


class Trainee(Trainable, Packed, Protocol):
    """The interface that `train` expects of a network."""

    schema: "Schema | None"


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """The arguments of `bpx.train`, under the same names."""

    epochs: Any
    batch_size: Any
    optimizer: Any
    lmbda: Any = 0.0
    batches: Any = None
    steps_per_epoch: Any = None
    penalty: Any = 0.0
    validation: Any = None
    seed: Any = None
    shuffle: Any = True
    drop_last: Any = False
    compile: Any = True
    precision: Any = "float32"
    privacy: Any = None
    progress: Any = None
    health: Any = False
    observers: Any = ()
    metrics: Any = ()
    sample_weight: Any = None
    class_weight: Any = None
    validation_split: Any = 0.0
    accumulate: Any = 1
    early_stopping: Any = None
    callbacks: Any = ()
    ranks: Any = None

    def __post_init__(self) -> None:
        for name in ("shuffle", "drop_last", "compile"):
            object.__setattr__(self, name, flag(name, getattr(self, name)))

    @property
    def options(self) -> Options:
        """Those that do not depend on the kind of samples."""
        return Options(**{each.name: getattr(self, each.name) for each in fields(Options)})


def prepare(
    network: Trainee, data: Any, given: Arguments, opened: Opened | None = None
) -> Training:
    """Check the arguments of `bpx.train`, and prepare the training.

    Parameters
    ----------
    network, data, given
    opened : Opened, optional
        The folder of its run; if an argument cannot be used it is closed, and removed if it was
        made for this training.

    Raises
    ------
    InputError
        If an argument cannot be used; the network is then unchanged.
    """
    adopting: Any = network  # whose protocol has no `publish`
    ranks, arrays = None, (network.parameters, network.feedback)
    try:
        ranks = chosen(given.ranks, network.home)
        if ranks is None:
            spread = devices(given.ranks, network.home)
            return Training(alone(_prepared(network, data, given, opened), spread))
        resumes = opened is not None and opened.found is not None
        given = replace(given, seed=shared(ranks, network, vars(given), resumes=resumes))
        return Training(ranked(ranks, network, lambda: _prepared(network, data, given, opened)))
    except BaseException:
        if ranks is not None:
            adopting.publish(*arrays)
        if opened is not None:
            opened.abandon()
        raise


def _prepared(network: Trainee, data: Any, given: Arguments, opened: Opened | None) -> Loop:
    watching = check_observers(given.observers, taken=_TAKEN)
    if given.batches is not None:
        return _streamed(network, data, given, watching)
    make = _windowed if is_stream(data) else _loop
    return make(network, data, given, watching, opened)


def _streamed(
    network: Trainee, data: Any, given: Arguments, watching: tuple[Observer, ...]
) -> Loop:
    of_samples = {
        "data": data,
        "batch_size": given.batch_size,
        "lmbda": given.lmbda or None,
        "shuffle": None if given.shuffle else given.shuffle,
        "drop_last": given.drop_last or None,
        "privacy": given.privacy,
        "health": given.health or None,
        "sample_weight": given.sample_weight,
        "class_weight": given.class_weight,
        "validation_split": given.validation_split or None,
    }
    refuse("with batches", of_samples)
    options = _options(network, given, network.schema)
    cut = given.epochs, given.steps_per_epoch
    chunks = _chunks(network, given)
    loop = streaming(network, given.batches, options, *cut, given.penalty, given.seed, watching)
    return _attached(loop, given, chunks)


def _windowed(
    network: Trainee,
    data: Any,
    given: Arguments,
    watching: tuple[Observer, ...],
    opened: Opened | None,
) -> Loop:
    earlier, schema = earlier_of(network, opened, of_stream=True)
    at_once = {
        "steps_per_epoch": given.steps_per_epoch,
        "privacy": given.privacy,
        "health": given.health or None,
        "sample_weight": given.sample_weight,
        "class_weight": given.class_weight,
        "validation_split": given.validation_split or None,
    }
    refuse_with_stream(at_once)
    options, data = _options(network, given, schema), data.with_schema(schema)
    seed, chunks = _seed(given, earlier), _chunks(network, given)
    strength, order = (given.lmbda, given.penalty), (seed, given.shuffle, given.drop_last)
    sizes = given.epochs, given.batch_size, chunks
    loop = windowing(network, data, options, *sizes, strength, order, watching)
    loop = _attached(loop, given, chunks)
    return kept(loop, opened, earlier, network, schema, vars(given), watching, data)


def _loop(
    network: Trainee,
    data: Any,
    given: Arguments,
    watching: tuple[Observer, ...],
    opened: Opened | None,
) -> Loop:
    earlier, schema = earlier_of(network, opened, of_stream=False)
    samples, schema = training_arrays(schema, network.spec, data)
    if data is None:
        more = "" if opened is not None else " as batches=..."
        raise InputError(f"data is missing; expected (x, y), or a stream{more}")
    only_streams = {
        "steps_per_epoch": given.steps_per_epoch,
        "penalty": given.penalty or None,
    }
    refuse("without batches", only_streams)
    drawn, chunks = _seed(given, earlier), _chunks(network, given)
    split, private = given.validation_split, given.privacy is not None
    held = check_validation_split(split, drawn, given.validation, private)
    if given.epochs is None or given.batch_size is None:
        missing = "epochs" if given.epochs is None else "batch_size"
        raise InputError(f"{missing} is missing; expected a whole number of at least 1")
    weights = {
        "sample_weight": given.sample_weight,
        "class_weight": by_label(schema, given.class_weight),
    }
    options = _options(network, given, schema)
    with network.home.active():
        how = {"epochs": given.epochs, "lmbda": given.lmbda, "held": held}
        job = checked(network, samples, options, **how, **weights)
        size = check_batch_size(given.batch_size, job.n)
        check_last_batch(network.spec, job.n, size, drop_last=given.drop_last, chunks=chunks)
        unequal = [name for name, value in weights.items() if value is not None]
        order = given.seed, given.shuffle, given.drop_last
        check_privacy(given.privacy, job.n, *order, unequal)
        own = _batches(network, job, given.privacy, size, (drawn, *order[1:]))
        look = _look(given.health, job, given.privacy, size, drawn)
        rule = scheduled(job, own.steps, private=private)
        scaled = scales_loss(network.home, given.precision)
        course = Course(network, rule, drawn, own.start(), loss_scale=scaled)
    loop = _attached(Loop(course, job, own, (*look, *watching)), given, chunks)
    return kept(loop, opened, earlier, network, schema, vars(given), watching)


def _options(network: Trainee, given: Arguments, schema: "Schema | None") -> Options:
    """Return the options: metrics in their units, validation samples as arrays or windows."""
    held = given.validation
    validation = (
        samples_of(network, held, schema, "validation ")
        if is_stream(held)
        else as_arrays(schema, held)
    )
    metrics = measures(schema, given.metrics)
    return replace(given.options, validation=validation, metrics=metrics)


def _chunks(network: Trainee, given: Arguments) -> int:
    """Return the number of chunks of a mini-batch."""
    private = given.privacy is not None
    return check_accumulate(given.accumulate, network.spec, given.batch_size, private)


def _attached(loop: Loop, given: Arguments, chunks: int) -> Loop:
    """Return a loop in chunks, with early stopping and callbacks."""
    rule = check_early_stopping(given.early_stopping, loop.job)
    stopping = None if rule is None else Stopping(rule, loop.course.network)
    attached = Attached(stopping, check_callbacks(given.callbacks))
    batches = Accumulated(loop.batches, chunks) if chunks > 1 else loop.batches
    return replace(loop, batches=batches, attached=attached)


def _seed(given: Arguments, earlier: Resumption | None) -> int:
    """Return the seed of the order of the samples: that of the run, or the one given."""
    private = isinstance(given.privacy, DPSGD)
    wished = given.privacy.seed if private else given.seed
    if earlier is None:
        return check_seed(wished)
    seed: int = earlier.state["seed"]
    if wished is not None and wished != seed:
        raise InputError(
            f"{option('seed', wished)} was given, but {earlier.run} was trained with the seed "
            f"{seed}; give the same, or none"
        )
    return seed


def _batches(
    network: Trainee,
    job: Job,
    privacy: DPSGD | None,
    size: int,
    order: tuple[int, bool, bool],
) -> Batches:
    """Make the batches; `order` is the seed, and whether to shuffle and to drop the last."""
    if privacy is not None:
        check_not_private(network.home, job.step.precision)
        from bpx.privacy.batches import sampled

        return sampled(network, job.step, job.data, size, privacy)
    return Shuffled(network.home, job.step, job.data, size, *order)


def _look(
    health: Any, job: Job, privacy: DPSGD | None, size: int, seed: int
) -> tuple[Observer, ...]:
    """Make the observer for `health`, if any; with privacy it takes no extra step."""
    if health is False or health is None:
        return ()
    from bpx.inspect.health.look import prepare as prepare_look

    batch = size if privacy is None else None
    return (prepare_look(health, job.home, job.step, job.n, batch, seed),)
