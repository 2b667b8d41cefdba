"""The arguments of training, checked before the first epoch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bpx._validate import number, pair, pair_or_triple, whole
from bpx.arrays.home import Home
from bpx.arrays.narrowing import check_narrowing
from bpx.errors import InputError
from bpx.metrics import AnyMetric, MetricName, check_metrics
from bpx.model.evaluate import try_out
from bpx.model.inputs import Placed, Samples, samples
from bpx.model.reach import check_reach
from bpx.model.spec import Spec
from bpx.model.weights import weighted
from bpx.model.windowed import WindowedSamples
from bpx.optim.chain import Optimizer, check_optimizer
from bpx.optim.descent import check_descends
from bpx.optim.limits import penalised
from bpx.optim.scheduled import lasting, watching
from bpx.optim.schedules.lengths import Length
from bpx.program.contract import Scan, eager
from bpx.training.accumulated import short_of, smallest_chunk
from bpx.training.held_out import HeldOut, apart
from bpx.training.records import Progress
from bpx.training.scales import check_scales
from bpx.training.step import Data, TrainingStep
from bpx.training.trial import step_of

__all__ = [
    "Job",
    "Options",
    "check_batch_size",
    "check_last_batch",
    "checked",
    "job_of",
    "scheduled",
]


@dataclass(frozen=True)
class Job:
    """One checked call of `train`: the values that stay the same in all epochs.

    Attributes
    ----------
    home : Home
    step : TrainingStep
    data : Data
        All samples, at home; for a stream, those of its first mini-batch.
    weighted : bool
        Whether the samples have weights.
    epochs : int or None
        None for as many as a stream has.
    optimizer : Optimizer
        With its penalty in front, if there is one.
    validation : Samples, WindowedSamples or None
    scan : Scan
        The engine.
    tell : callable
        Called with each `Progress`.
    metrics : tuple of Metric
        Computed on the validation samples.
    """

    home: Home
    step: TrainingStep
    data: Data
    epochs: int | None
    optimizer: Optimizer
    validation: Samples | WindowedSamples | None
    scan: Scan
    tell: Callable[[Progress], None]
    metrics: tuple[AnyMetric, ...] = ()

    @property
    def weighted(self) -> bool:
        """Whether the samples have weights."""
        return self.data.s is not None

    @property
    def n(self) -> int:
        """The number of samples."""
        return self.data.x.shape[0]


@dataclass(frozen=True)
class Options:
    """The arguments of `bpx.train` that do not depend on the kind of samples."""

    optimizer: Optimizer
    validation: Any = None
    compile: bool = True
    precision: str = "float32"
    progress: Callable[[Progress], None] | None = None
    metrics: Sequence[MetricName | AnyMetric] = ()


def checked(
    network: Placed,
    data: Any,
    options: Options,
    *,
    epochs: int,
    lmbda: float = 0.0,
    sample_weight: Any = None,
    class_weight: Any = None,
    held: HeldOut | None = None,
) -> Job:
    """Check the arguments of `bpx.train` for a network with an active home.

    Raises
    ------
    InputError
        If an argument, or a part of the network, cannot be used.
    """
    lmbda = number("lmbda", lmbda, "a number of at least 0", lambda v: v >= 0.0)
    home, spec = network.home, network.spec
    x, y = pair("data", data, ", and weights as sample_weight=...")
    arrived = samples(home, spec, x, y, snapshot=True)
    _check_meant(spec, home, x, y, arrived)
    arrived, kept = apart(home, spec, arrived, held, sample_weight, class_weight)
    options = options if kept is None else replace(options, validation=kept)
    epochs = whole("epochs", epochs, 1, None, "a whole number of at least 1")
    job = job_of(network, arrived, options, epochs, lmbda / arrived.x.shape[0])
    check_scales(job.data.x, x, spec.codes)
    return job


def check_batch_size(batch_size: Any, n: int) -> int:
    """Return `batch_size`, checked against the number of samples n.

    Raises
    ------
    InputError
        If it is not an integer in 1 ... n.
    """
    return whole("batch_size", batch_size, 1, n, f"a whole number in 1 ... {n}, the samples")


def check_last_batch(
    spec: Spec, n: int, size: int, *, drop_last: bool, chunks: int = 1
) -> None:
    """Refuse mini-batches with fewer samples than a layer needs, such as a last one of 1.

    Each is cut into `chunks`, and the layer sees one chunk at a time.

    Raises
    ------
    InputError
        If there are such mini-batches; the message names the layer.
    """
    last = n % size or size
    whole, of_last = smallest_chunk(size, chunks), smallest_chunk(last, chunks)
    smallest = whole if drop_last else min(whole, of_last)
    if short := short_of(spec, smallest):
        layer, fewest = short
        enough = whole >= fewest
        which = "last mini-batch" if enough else "mini-batches"
        part = f" in {chunks} chunks" if chunks > 1 else ""
        raise InputError(
            f"batch_size={size}{part} was given for {n} samples, and {layer}, needs at least "
            f"{fewest} in each mini-batch, but the {which} would have {smallest}; choose "
            "another batch_size" + ", or pass drop_last=True" * enough
        )


def job_of(
    network: Placed, arrived: Samples, options: Options, epochs: int | None, penalty: float
) -> Job:
    """Prepare the training of a network on samples at its home.

    Parameters
    ----------
    network, arrived, options, epochs
    penalty : float
        The coefficient of the L2 penalty, lmbda / n.

    Raises
    ------
    InputError
        If an option, or a part of the network, cannot be used.
    """
    check_optimizer(options.optimizer)
    check_descends(options.optimizer)
    home, spec = network.home, network.spec
    rule = penalised(options.optimizer, penalty)
    step = step_of(network, arrived, rule, options.compile, options.precision)
    job = Job(
        home=home,
        step=step,
        data=Data(arrived.x, arrived.y, arrived.s),
        epochs=epochs,
        optimizer=rule,
        validation=_validation(network, options.validation),
        scan=home.scan() if options.compile else eager,
        tell=options.progress or (lambda _: None),
        metrics=_metrics(options.metrics, options.validation),
    )
    if job.validation is not None:
        held = job.validation
        few = held.first if isinstance(held, WindowedSamples) else held
        try_out(spec, network.parameters, few, job.metrics)
    return job


def scheduled(job: Job, steps: int | None, *, private: bool = False) -> Optimizer:
    """Return the optimizer of a job, with the lengths of its schedules as numbers of steps.

    Parameters
    ----------
    job : Job
    steps : int or None
        The number of steps in an epoch, if it is known.
    private : bool, optional
        Whether the training is private.

    Raises
    ------
    InputError
        If a schedule needs a length that is not known, or does not fit into the training; or if
        it follows the cost of samples that must stay private.
    """
    if private and job.validation is None and watching(job.optimizer):
        raise InputError(
            "reduce_on_plateau was given with privacy and without validation samples: the cost "
            "of the training samples, which it would follow, is not private; give validation, "
            "or another schedule"
        )
    total = None if steps is None or job.epochs is None else steps * job.epochs
    return lasting(job.optimizer, Length(steps, total))


def _check_meant(spec: Spec, home: Home, x: Any, y: Any, arrived: Samples) -> None:
    """Refuse samples that could be trained on but are surely a mistake."""
    check_narrowing(x, home.dtype, "x")
    if arrived.accuracy is None:  # numbers, neither labels nor 0 and 1
        check_narrowing(y, home.dtype, "y")
        check_reach(spec, arrived.y, "y")


def _validation(network: Placed, validation: Any) -> Samples | WindowedSamples | None:
    if validation is None or isinstance(validation, Samples):  # held out, so at home
        return validation
    if isinstance(validation, WindowedSamples):
        return validation.looked_at()
    x, y, s = pair_or_triple("validation", validation)
    home, spec, names = network.home, network.spec, ("validation x", "validation y")
    arrived = samples(home, spec, x, y, names, snapshot=True)
    return weighted(home, spec, arrived, s, name="validation sample_weight")


def _metrics(metrics: Any, validation: Any) -> tuple[AnyMetric, ...]:
    found = check_metrics(metrics)
    if found and validation is None:
        raise InputError(
            f"metrics={[each.name for each in found]} was given without validation samples, "
            "which metrics need; give validation=(x, y), or measure other samples by "
            "net.evaluate(x, y, metrics=...)"
        )
    return found
