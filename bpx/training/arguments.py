"""What a training is given, checked before its first epoch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from bpx._validate import number, pair, pair_or_triple, whole
from bpx.arrays.home import Home
from bpx.arrays.narrowing import check_narrowing
from bpx.arrays.registry import compiled, namespace
from bpx.errors import InputError
from bpx.metrics import Metric, check_metrics
from bpx.model.dry_run import dry_run
from bpx.model.evaluate import try_out
from bpx.model.expected import as_inputs
from bpx.model.inputs import Placed, Samples, samples
from bpx.model.reach import check_reach
from bpx.model.spec import Spec
from bpx.model.weights import weighted
from bpx.optim.chain import Optimizer, check_optimizer
from bpx.optim.limits import penalised
from bpx.program.contract import Scan, eager
from bpx.training.records import Progress
from bpx.training.scales import check_scales
from bpx.training.step import Data, TrainingStep

__all__ = ["Training", "checked"]


@dataclass(frozen=True)
class Training:
    """One call of `train`, checked: what does not change from epoch to epoch.

    Attributes
    ----------
    home : Home
    step : TrainingStep
    data : Data
        All samples, at home.
    epochs, batch_size : int
    optimizer : Optimizer
        Behind its penalty, if there is one.
    validation : Samples or None
    scan : Scan
        The engine.
    tell : callable
        What hears of the `Progress`.
    seed : int
        Of what layers draw in training.
    metrics : tuple of Metric
        Of the validation samples.
    """

    home: Home
    step: TrainingStep
    data: Data
    epochs: int
    batch_size: int
    optimizer: Optimizer
    validation: Samples | None
    scan: Scan
    tell: Callable[[Progress], None]
    seed: int = 0
    metrics: tuple[Metric, ...] = ()

    @property
    def n(self) -> int:
        """The number of samples."""
        return self.data.x.shape[0]


def checked(
    network: Placed,
    data: tuple[Any, Any],
    *,
    epochs: int,
    batch_size: int,
    optimizer: Optimizer,
    lmbda: float,
    validation: tuple[Any, ...] | None,
    compile: bool,  # noqa: A002 - as in `bpx.train`
    precision: str,
    progress: Callable[[Progress], None] | None,
    seed: int = 0,
    metrics: Sequence[str | Metric] = (),
    sample_weight: Any = None,
    class_weight: Any = None,
) -> Training:
    """A training of a network, whose home is active: the parameters are those of `bpx.train`.

    Raises
    ------
    InputError
        If an argument, or a part of the network, cannot be used.
    """
    check_optimizer(optimizer)
    lmbda = number("lmbda", lmbda, "a number of at least 0", lambda v: v >= 0.0)
    home, spec = network.home, network.spec
    x, y = pair("data", data, ", and weights as sample_weight=...")
    arrived = samples(home, spec, x, y, snapshot=True)
    _check_meant(spec, home, x, y, arrived)
    arrived = weighted(home, spec, arrived, sample_weight, class_weight)
    n = arrived.x.shape[0]
    precise = _precision(home, precision, compile)
    rule = penalised(optimizer, lmbda / n)
    step = TrainingStep(spec, rule.update, arrived.accuracy, precise)
    _check_hashable(step)
    training = Training(
        home=home,
        step=step,
        data=Data(arrived.x, arrived.y, arrived.s),
        epochs=whole("epochs", epochs, 1, None, "a whole number of at least 1"),
        batch_size=whole(
            "batch_size", batch_size, 1, n, f"a whole number in 1 ... {n}, the samples"
        ),
        optimizer=rule,
        validation=_validation(network, validation),
        scan=home.backend.scan if compile else eager,
        tell=progress or (lambda _: None),
        seed=seed,
        metrics=_metrics(metrics, validation),
    )
    _try_out(network, training.data, compile)
    if training.validation is not None:
        try_out(spec, network.parameters, training.validation, training.metrics)
    check_scales(training.data.x, x)
    return training


def _check_meant(spec: Spec, home: Home, x: Any, y: Any, arrived: Samples) -> None:
    """Refuse samples that can be trained on, and cannot be meant to be."""
    check_narrowing(x, home.dtype, "x")
    if arrived.accuracy is None:  # these are numbers, and neither labels nor 0 and 1
        check_narrowing(y, home.dtype, "y")
        check_reach(spec, arrived.y, "y")


def _try_out(network: Placed, data: Data, compile: bool) -> None:  # noqa: A002
    """Run some samples through: as many as no layer is wide, so that no axis is mistaken."""
    xp, last = namespace(data.x), data.x.shape[0] - 1
    widths = {each for layer in network.spec.layers for each in (layer.n_in, layer.n_out)}
    number = next(each for each in count(2) if each not in widths)
    some = [i * last // (number - 1) for i in range(number)]  # of few samples, some twice
    picked = network.home.asarray(some, "int32")
    x, y = (xp.take(each, picked, axis=0) for each in (data.x, data.y))
    x = as_inputs(x, network.parameters.b[0])
    run = compiled(dry_run, 1, x) if compile else dry_run
    run(network.spec, network.parameters, x, y, network.feedback)


def _check_hashable(step: TrainingStep) -> None:
    try:
        hash(step)
    except TypeError as why:
        raise InputError(
            "an activation, the cost, the feedback or the optimizer's update cannot be hashed "
            f"({why}); make it a function, or a value such as a frozen dataclass, so that "
            "steps compile once"
        ) from None


def _validation(network: Placed, validation: Any) -> Samples | None:
    if validation is None:
        return None
    x, y, s = pair_or_triple("validation", validation)
    home, spec, names = network.home, network.spec, ("validation x", "validation y")
    arrived = samples(home, spec, x, y, names, snapshot=True)
    return weighted(home, spec, arrived, s, name="validation sample_weight")


def _metrics(metrics: Any, validation: Any) -> tuple[Metric, ...]:
    found = check_metrics(metrics)
    if found and validation is None:
        raise InputError(
            f"metrics={[each.name for each in found]} was given without validation, on whose "
            "samples they are computed; give validation=(x, y), or measure others by "
            "net.evaluate(x, y, metrics=...)"
        )
    return found


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
