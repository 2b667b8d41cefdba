"""``bpx train``: train a network from its settings, and save it in a run folder."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

import click

import bpx
from bpx.arrays.host import check_seed
from bpx.cli import display, health, metrics, sources, tables
from bpx.cli.display import Display
from bpx.cli.folder import NETWORK, RATE, RunFolder, make_folder
from bpx.cli.settings import BATCH_SIZE, EPOCHS, Settings, complete, versions
from bpx.cli.tables import Decided
from bpx.data import Dataset
from bpx.errors import option

__all__ = ["Interrupted", "Work", "prepare", "run"]


class Interrupted(click.ClickException):
    """Ctrl-C, reported in one sentence, with the exit code of a process ended by SIGINT."""

    exit_code = 130

    def show(self, file: object = None) -> None:
        """Print the message."""
        click.echo(self.message, err=True)


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


def run(options: Settings, *, out: str | None, quiet: bool) -> None:
    """Train a network, show the progress, and write a run folder.

    Raises
    ------
    BpxError
        If the options or the data cannot be used; no folder remains then.
    Interrupted
        After Ctrl-C.
    click.ClickException
        If training diverges.
    """
    work = prepare(options)
    shown = display.choose(cast(int, work.settings.epochs), quiet=quiet)
    with make_folder(out, work.settings.data) as folder:
        records = _records(work, shown, folder)
        layers = len(work.network.weights)
        more = health.columns(layers) if options.health else ()
        asked = metrics.columns(options.metrics)
        folder.begin(_described(work), (*_columns_of_rate(options), *asked, *more))
        with _ends_in_a_sentence(folder):
            if not quiet:
                click.echo(_head(work, folder) + "\n")
            _follow(records, work, folder, shown)
            if (found := folder.epochs[-1].health) and not quiet:
                health.show(found)
            click.echo(folder.path if quiet else _summary(work, folder, records.stopped))


def prepare(options: Settings) -> Work:
    """Read the data, and make the untrained network.

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
    network = settings.network()
    if settings.validation_fraction:
        fraction, seed = settings.validation_fraction, network.seed or 0
        train, held = sources.hold_out(data.train, fraction, seed)
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
    network = settings.network(decided.schema)
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


def _records(work: Work, shown: Display, folder: RunFolder) -> bpx.Training:
    settings = work.settings
    logs = [bpx.TensorBoard(folder.path / "tensorboard")] if settings.tensorboard else []
    return bpx.train(
        work.network,
        work.samples("train"),
        epochs=cast(int, settings.epochs),
        batch_size=cast(int, settings.batch_size),
        accumulate=1 if settings.accumulate is None else settings.accumulate,
        early_stopping=settings.early_stopping,
        callbacks=logs,
        optimizer=settings.make_optimizer(),
        lmbda=cast(float, settings.lmbda),
        class_weight=settings.class_weight,
        validation=work.samples("validation"),
        seed=settings.seed,
        progress=shown.progress,
        health=settings.health,
        metrics=cast(Any, settings.metrics),
    )


def _follow(records: bpx.Training, work: Work, folder: RunFolder, shown: Display) -> None:
    with shown:
        for epoch in records:
            folder.record(work.network, epoch, work.settings.metrics)
            shown.epoch(epoch)
    if records.stopped and records.stopped.weights != records.stopped.epoch:
        work.network.save(folder.path / NETWORK)  # the best weights, which were restored


@contextmanager
def _ends_in_a_sentence(folder: RunFolder) -> Iterator[None]:
    """Report what was saved if Ctrl-C or divergence ends the run."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise Interrupted(f"Interrupted: {_left(folder)}.") from error
    except bpx.DivergenceError as error:
        raise click.ClickException(f"{error}. On disk: {_left(folder)}.") from error


def _left(folder: RunFolder) -> str:
    """Describe what an unfinished run has saved."""
    if not folder.epochs:
        return "no epoch had finished, so nothing was saved and the run folder was removed"
    file = folder.path / NETWORK
    return f"the network of epoch {folder.epochs[-1].number} is saved in {file}"


def _described(work: Work) -> dict[str, object]:
    return {
        "command": work.settings.command(),
        **work.settings.given(),
        "samples": _counts(work.data),
        "versions": versions(work.network.home),
    }


def _counts(data: Dataset) -> dict[str, int]:
    parts = {"train": data.train, "validation": data.validation, "test": data.test}
    return {name: len(part.x) for name, part in parts.items() if part is not None}


def _columns_of_rate(settings: Settings) -> tuple[str, ...]:
    return () if settings.schedule is settings.warmup is None else (RATE,)


def _head(work: Work, folder: RunFolder) -> str:
    settings, network = work.settings, work.network
    counts = ", ".join(f"{count:,} {name}" for name, count in _counts(work.data).items())
    names = [layer.activation.name for layer in network.spec.dense]
    decided = work.decided.told() if work.decided else []
    return "\n".join(
        (
            *(f"{name:<8}  {text}" for name, text in decided),
            f"data      {settings.data}: {counts}",
            f"network   {'-'.join(map(str, network.sizes))}, {', '.join(names)}, "
            f"{network.spec.cost.name}",
            f"training  {settings.rule()}, batches of {settings.batch_size}, "
            f"seed {settings.seed}",
            f"home      {network.home}, {network.home.dtype}",
            f"folder    {folder.path}",
        )
    )


def _summary(work: Work, folder: RunFolder, stopped: bpx.Stopped | None) -> str:
    last, top = folder.epochs[-1], display.best(folder.epochs)
    lines, kept = [""], stopped.weights if stopped else last.number
    if stopped and stopped.reason == "early_stopping":
        waited = work.settings.early_stopping
        lines.append(f"stopped     after {waited} epochs without a new best validation cost")
    if work.decided and (error := tables.error(work.network, work.samples("validation"))):
        lines.append(f"validation  {error} (epoch {kept})")
    if last.validation and top.validation:
        lines.append(
            f"validation  best {display.judged(top.validation)} (epoch {top.number}), "
            f"last {display.judged(last.validation)}"
        )
    if work.data.test is not None:
        result = work.network.evaluate(*work.samples("test"))
        lines.append(f"test        {display.judged(result)}")
    held = work.settings.validation_fraction and work.data.validation is not None
    words = ["bpx", "evaluate", str(folder.path), work.settings.data]
    words += ["--split", "validation"] if held else []
    return "\n".join(
        [
            *lines,
            f"saved       {folder.path / NETWORK} (epoch {kept})",
            f"next        {shlex.join(words)}",
        ]
    )
