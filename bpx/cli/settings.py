"""The settings of a run: the options given, completed with defaults that fit the data."""

import platform
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

import bpx
from bpx.activations import ActivationName
from bpx.arrays.choice import Dtype
from bpx.cli import optimizers, schedules
from bpx.costs import Choice, CostName, built_in
from bpx.data import Split
from bpx.errors import warn
from bpx.feedback import FeedbackName
from bpx.initializers import InitializerName
from bpx.layers.norms import NormName
from bpx.program.contract import Precision

__all__ = [
    "BATCH_SIZE",
    "EPOCHS",
    "Settings",
    "complete",
    "kind_of_targets",
    "typed",
    "versions",
]

HIDDEN_WIDTH = 30
BATCH_SIZE = 10
EPOCHS = 30
FEW_CLASSES = 10
SAMPLES_PER_CLASS = 5

TABLE_OPTIONS = (
    "task",
    "features",
    "drop",
    "scaling",
    "categories",
    "unseen",
    "header",
    "delimiter",
    "decimal",
)
"""The options that apply only to tables."""

Targets = Literal["classes", "binary", "numbers"]


@dataclass(frozen=True)
class Settings:
    """The options of ``bpx train`` that affect the result, each as a field of the same name.

    None means that the option was not given. It is filled in before the run, except for
    `init`, `inputs`, `target`, `folder`, `class_weight`, `schedule`, `warmup`, `accumulate`,
    `precision`, `early_stopping`, and `decay` where the optimizer does not take it.
    """

    data: str
    layers: tuple[int, ...] | None = None
    hidden: ActivationName = "relu"
    norm: NormName | None = None
    dropout: float | tuple[float, ...] | None = None
    output: ActivationName | None = None
    cost: CostName | None = None
    feedback: FeedbackName = "transpose"
    init: InitializerName | None = None
    optimizer: str = "adam"
    eta: float | None = None
    momentum: float = 0.0
    nesterov: bool = False
    decay: float | None = None
    schedule: str | None = None
    warmup: str | None = None
    lmbda: float | None = None
    class_weight: Literal["balanced"] | None = None
    epochs: int | None = None
    batch_size: int | None = None
    accumulate: int | None = None
    precision: Precision | None = None
    early_stopping: int | None = None
    seed: int | None = None
    backend: str | None = None
    dtype: Dtype | None = None
    folder: str | None = None
    inputs: str | None = None
    target: str | None = None
    task: Literal["classes", "numbers"] | None = None
    features: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    scaling: Literal["standard", "robust", "none"] | None = None
    categories: Literal["one-hot", "codes"] | None = None
    unseen: Literal["ignore", "refuse"] | None = None
    header: bool | None = None
    delimiter: str | None = None
    decimal: str | None = None
    validation_fraction: float | None = None
    health: bool = False
    metrics: tuple[str, ...] = ()
    tensorboard: bool = False

    def make_optimizer(self) -> bpx.optim.Optimizer:
        """Return the optimizer, with its default eta if none was given."""
        optimizers.make(self.optimizer, self.eta, self.own())  # which checks the numbers
        eta = optimizers.default_eta(self.optimizer) if self.eta is None else self.eta
        if self.warmup and not self.schedule and optimizers.warms_up(self.optimizer):
            rises = {"warmup": schedules.steps(self.warmup)}
            return optimizers.make(self.optimizer, eta, self.own() | rises)
        rate = schedules.learning_rate(eta, self.schedule, self.warmup)
        return optimizers.make(self.optimizer, rate, self.own())

    def own(self) -> dict[str, Any]:
        """Return the given options of the optimizer: see `optimizers.OPTIONS`."""
        values = {name: getattr(self, name) for name in optimizers.OPTIONS}
        return {name: v for name, v in values.items() if v != getattr(Settings, name)}

    def given(self) -> dict[str, Any]:
        """Return the options that have a value, by name."""
        return {name: v for name, v in asdict(self).items() if v is not None and v != ()}

    def for_tables(self) -> dict[str, Any]:
        """Return the given options that apply only to tables, by name."""
        return {name: value for name, value in self.given().items() if name in TABLE_OPTIONS}

    def command(self) -> str:
        """Return the command line that repeats the run."""
        words = ["bpx", "train", self.data]
        for field in fields(self)[1:]:
            value = getattr(self, field.name)
            if value is not None and (value or field.default is None):
                words += typed(field.name, value)
        return shlex.join(words)


def complete(settings: Settings, whole: Split) -> Settings:
    """Fill in every default that depends on the data or on another setting.

    Parameters
    ----------
    settings : Settings
    whole : Split
        All the samples, for training and validation.

    Raises
    ------
    InputError
        If the layers do not fit the inputs, or cannot be guessed from the targets.
    """
    layers = settings.layers
    if not layers:  # one hidden layer between the data's inputs and outputs
        layers = (whole.x.shape[1], HIDDEN_WIDTH, _outputs(settings.data, whole))
    _check_inputs(settings.data, layers, whole)
    _check_outputs(settings.data, layers, _y(whole))
    targets = kind_of_targets(_y(whole), layers[-1])
    output = settings.output or _output(targets, settings.cost)
    return replace(
        _with_optimizer(settings),
        layers=layers,
        output=output,
        cost=settings.cost or _cost(targets, output),
    )


def _with_optimizer(settings: Settings) -> Settings:
    """Fill in the learning rate and the optimizer's other options."""
    usual = {
        "eta": optimizers.default_eta(settings.optimizer),
        **optimizers.defaults(settings.optimizer),
    }
    missing = {name: v for name, v in usual.items() if getattr(settings, name) is None}
    return replace(settings, **missing)


def versions(home: bpx.Home) -> dict[str, str]:
    """Return the versions that a run depends on."""
    return {
        "bpx": bpx.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        home.backend.name: home.backend.version(),
    }


def typed(name: str, value: Any) -> list[str]:
    """Return the words of a setting as they are typed after ``bpx train``."""
    flag = {"folder": "--data"}.get(name, f"--{name.replace('_', '-')}")
    if isinstance(value, bool):
        return [flag if value else f"--no-{flag.removeprefix('--')}"]
    if name in ("features", "drop"):  # a name may contain a comma
        return [word for each in value for word in (flag, each)]
    return [flag, _text(value) if isinstance(value, tuple) else str(value)]


def _outputs(data: str, whole: Split) -> int:
    y = _y(whole)
    if y.ndim == 2:
        return int(y.shape[1])
    if y.dtype.kind == "f" or _is_binary(y):
        return 1
    most = max(FEW_CLASSES, len(y) // SAMPLES_PER_CLASS)
    if y.min() < 0 or y.max() >= most:
        raise bpx.InputError(
            f"the targets of {data} are whole numbers from {y.min()} to {y.max()}; for "
            f"{len(y)} samples, classes are expected from 0 to {most - 1} at most. Pass "
            f"--layers: {whole.x.shape[1]},{HIDDEN_WIDTH},1 takes the targets as numbers"
        )
    return int(y.max()) + 1


def _check_inputs(data: str, layers: Sequence[int], whole: Split) -> None:
    width = whole.x.shape[1]
    if layers[0] != width:
        raise bpx.InputError(
            f"--layers {_text(layers)} takes {layers[0]} inputs, but the samples of {data} "
            f"have {width}; expected --layers {_text((width, *layers[1:]))}"
        )


def _check_outputs(data: str, layers: Sequence[int], y: NDArray[Any]) -> None:
    """Raise InputError if there are too few outputs for the classes or target columns."""
    given, columns = layers[-1], y.shape[1] if y.ndim == 2 else None
    classes = int(y.max()) + 1 if columns is None and given > 1 else given
    needed = columns or max(classes, given)
    if columns is None and y.dtype.kind in "iu" and given > max(classes, 2):
        warn(
            f"--layers {_text(layers)} has {given} outputs, but the targets of {data} are "
            f"classes from 0 to {y.max()}: the other outputs have no samples; "
            f"--layers {_text((*layers[:-1], classes))} has none of them"
        )
    if given != needed:
        have = f"{columns} columns" if columns else f"classes up to {y.max()}"
        raise bpx.InputError(
            f"--layers {_text(layers)} has {given} outputs, but the targets of {data} have "
            f"{have}; expected --layers {_text((*layers[:-1], needed))}"
        )


def _text(layers: Sequence[int]) -> str:
    return ",".join(map(str, layers))


def kind_of_targets(y: NDArray[Any], outputs: int) -> Targets:
    """Return what the targets are for a network with so many outputs."""
    if outputs > 1 and (y.ndim == 1 or (_is_binary(y) and bool((y.sum(axis=1) == 1).all()))):
        return "classes"
    return "binary" if _is_binary(y) else "numbers"


def _output(targets: Targets, cost: CostName | None) -> ActivationName:
    """The output that a cost is stable after; without a cost, the one that fits the targets."""
    found = None if cost is None else built_in(cost)
    if isinstance(found, bpx.Cost) and found.outputs is not None:
        return cast(ActivationName, found.outputs[0].name)
    if targets == "classes" and (cost is None or isinstance(found, Choice)):
        return "softmax"
    numbers = targets == "numbers" and not isinstance(found, Choice)
    return "identity" if numbers else "sigmoid"


def _cost(targets: Targets, output: ActivationName) -> CostName:
    probabilities = targets != "numbers" and output in ("softmax", "sigmoid")
    return "cross_entropy" if probabilities else "quadratic"


def _is_binary(y: NDArray[Any]) -> bool:
    return bool(((y == 0) | (y == 1)).all())


def _y(whole: Split) -> NDArray[Any]:
    assert whole.y is not None, "loading rejects data without targets"
    return whole.y
