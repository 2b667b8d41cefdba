"""The validated inputs of a run: its settings, its data, and its untrained network."""

from dataclasses import dataclass, replace
from typing import Any

import bpx
from bpx.arrays.host import check_seed
from bpx.cli import sources, splits, tables
from bpx.cli.networks import untrained
from bpx.cli.settings import BATCH_SIZE, EPOCHS, Settings, complete
from bpx.cli.tables import Decided
from bpx.data import Dataset
from bpx.errors import option

__all__ = ["Work", "prepare"]


@dataclass(frozen=True)
class Work:
    """The validated inputs of a run.

    Attributes
    ----------
    settings : Settings
        With every default filled in.
    data : Dataset
    network : Network
        Untrained.
    decided : Decided or None
        How a table is read.
    """

    settings: Settings
    data: Dataset
    network: bpx.Network
    decided: Decided | None = None

    def samples(self, part: str) -> Any:
        """Return the training, validation or test samples, as a table if they came as one."""
        arrays = getattr(self.data, part)
        if self.decided is None or arrays is None:
            return None if arrays is None else (arrays.x, arrays.y)
        return self.decided.part(part)

    @property
    def counts(self) -> dict[str, int]:
        """The number of samples of each part."""
        data = self.data
        parts = {"train": data.train, "validation": data.validation, "test": data.test}
        return {name: len(part.x) for name, part in parts.items() if part is not None}


def prepare(options: Settings) -> Work:
    """Read the data, and complete the settings with defaults that fit them.

    Raises
    ------
    BpxError
        If the options or the data cannot be used.
    """
    options = _with_fraction(options)
    if tables.is_read_as_table(options.data):
        return _prepare_table(options)
    _refuse_table_options(options)
    data = sources.dataset(
        options.data, folder=options.folder, target=options.target, inputs=options.inputs
    )
    settings = complete(options, data.train)
    network = untrained(settings)
    if settings.validation_fraction:
        fraction, seed = settings.validation_fraction, network.seed or 0
        train, held = splits.hold_out(data.train, fraction, seed, network.sizes[-1])
        data = data._replace(train=train, validation=held)
    return _work(settings, data, network, None)


def _prepare_table(options: Settings) -> Work:
    """Draw the seed first: a table's schema depends on which rows are for training."""
    seed = check_seed(options.seed)
    decided = tables.decide(options, seed)
    named = replace(
        options,
        seed=seed,
        target=decided.target,
        task=decided.task,
        layers=options.layers or decided.layers,
    )
    settings = complete(named, decided.samples)
    network = untrained(settings, decided.schema)
    data = Dataset(options.data, *decided.parts(), None)
    return _work(settings, data, network, decided)


def _work(
    settings: Settings, data: Dataset, network: bpx.Network, decided: Decided | None
) -> Work:
    home, size = network.home, settings.batch_size
    size = min(BATCH_SIZE, len(data.train.x)) if size is None else size
    _check_metrics(settings, data)
    lmbda = tables.LMBDA if decided else 0.0
    epochs = decided.epochs(max(size, 1)) if decided else EPOCHS
    chosen = replace(
        settings,
        batch_size=size,
        lmbda=lmbda if settings.lmbda is None else settings.lmbda,
        epochs=epochs if settings.epochs is None else settings.epochs,
        seed=network.seed or 0,
        backend=str(home),
        dtype=home.dtype,
    )
    return Work(chosen, data, network, decided)


def _check_metrics(settings: Settings, data: Dataset) -> None:
    if settings.metrics and data.validation is None:
        raise bpx.InputError(
            f"{option('metrics', settings.metrics)} was given without validation samples, "
            "which metrics need; give a --validation-fraction above 0, or omit it"
        )


def _refuse_table_options(options: Settings) -> None:
    for name, value in options.for_tables().items():
        raise bpx.InputError(
            f"{option(name, value)} was given, which is for tables, but {options.data} is not "
            "one; omit it"
        )


def _with_fraction(options: Settings) -> Settings:
    """Fill in the validation fraction for a file; a named data set takes none."""
    fraction = options.validation_fraction
    if not sources.has_name(options.data):
        default = sources.VALIDATION_FRACTION if fraction is None else fraction
        return replace(options, validation_fraction=default)
    if fraction is not None:
        raise bpx.InputError(
            f"--validation-fraction {fraction:g} was given, but {options.data} has its own "
            "validation samples; omit it"
        )
    return options
