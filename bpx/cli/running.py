"""``bpx train`` and ``bpx resume``: train a network, and continue, in a run folder."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

import click

import bpx
from bpx.cli import display, health, places, ranks, sources, tables
from bpx.cli.begun import begin, described
from bpx.cli.display import Display
from bpx.cli.folder import MODEL, RunFolder, make_folder, read_settings, run_path
from bpx.cli.places import STARTED
from bpx.cli.restored import restored
from bpx.cli.settings import Settings
from bpx.cli.work import Work, prepare
from bpx.io.runs import Run

__all__ = ["Interrupted", "resume", "run"]


class Interrupted(click.ClickException):
    """Ctrl-C, reported in one sentence, with the exit code of a process ended by SIGINT."""

    exit_code = 130

    def show(self, file: object = None) -> None:
        """Print the message."""
        click.echo(self.message, err=True)


def run(
    options: Settings,
    *,
    out: str | None,
    quiet: bool,
    every: str | None = None,
    keep: int | None = None,
) -> None:
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
    options = replace(options, seed=ranks.agreed_seed(options.seed))
    work = ranks.on_all(lambda: prepare(options))
    first = ranks.is_first()
    shown = display.choose(cast(int, work.settings.epochs), quiet=quiet or not first)
    with ranks.folder_of_all(lambda: make_folder(out, work.settings.data)) as folder:
        training = begin(work, folder.path, shown.progress, every=every, keep=keep)
        folder.owned = first
        if first:
            folder.describe({**described(work), **_chosen(every=every, keep=keep)})
            ranks.note(ranks.FOLDER, str(folder.path.absolute()))
        if not quiet:
            click.echo(_head(work, folder) + "\n")
        _go_through(training, work, folder, shown, quiet)


def resume(
    given: str,
    *,
    epochs: int | None,
    backend: str | None,
    every: str | None,
    keep: int | None,
    quiet: bool,
) -> None:
    """Continue a run of the command line, show the progress, and go on with its folder.

    Raises
    ------
    BpxError
        If there is no such run, or its data cannot be read again.
    Interrupted
        After Ctrl-C.
    click.ClickException
        If training diverges.
    """
    folder = RunFolder(run_path(given))
    tree = read_settings(folder.path)
    before = restored(given, tree)
    if not Run(folder.path).numbers():
        raise bpx.InputError(
            f"{given} has no checkpoint; expected the folder of a run that has written one"
        )
    settings = _found(before, (tree or {}).get(STARTED))
    settings = replace(settings, **_chosen(epochs=epochs, backend=backend))
    work = ranks.on_all(lambda: prepare(settings))
    first = ranks.is_first()
    shown = display.choose(cast(int, work.settings.epochs), quiet=quiet or not first)
    work.network.schema = None  # so that it gets that of the run, and the samples are compared
    training = begin(work, folder.path, shown.progress, every=every, keep=keep, resume=True)
    folder.epochs.extend(training.records)
    changed = _chosen(epochs=epochs, every=every, keep=keep)
    if epochs is not None:
        again = replace(
            work.settings, backend=before.backend, data=before.data, folder=before.folder
        )
        changed["command"] = again.command()
    if changed and first:
        folder.describe(changed)
    if not quiet:
        click.echo(_head(work, folder))
        state = training.state
        plural = "" if state.epochs == 1 else "s"
        click.echo(f"resumed   after {state.epochs} epoch{plural}, {state.steps:,} steps\n")
    _go_through(training, work, folder, shown, quiet)


def _chosen(**given: Any) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}


def _found(settings: Settings, started: object) -> Settings:
    """Return the settings with the paths of files that lie where the run was started."""
    if not sources.has_name(settings.data):
        settings = replace(settings, data=places.found(settings.data, started))
    if settings.folder is not None:
        settings = replace(settings, folder=places.found(settings.folder, started))
    return settings


def _go_through(
    training: bpx.Training, work: Work, folder: RunFolder, shown: Display, quiet: bool
) -> None:
    """Train to the end, and show what was reached."""
    with _ends_in_a_sentence(folder):
        try:
            _follow(training, folder, shown)
        finally:
            training.close()
        if quiet or not folder.epochs:  # a damaged history has none
            click.echo(folder.path)
            return
        if found := folder.epochs[-1].health:
            health.show(found)
        click.echo(_summary(work, folder, training.stopped))


def _follow(training: bpx.Training, folder: RunFolder, shown: Display) -> None:
    with shown:
        for epoch in training:
            folder.epochs.append(epoch)
            shown.epoch(epoch)


@contextmanager
def _ends_in_a_sentence(folder: RunFolder) -> Iterator[None]:
    """Report what was saved if Ctrl-C or divergence ends the run."""
    try:
        yield
    except KeyboardInterrupt as error:
        more = f"; continue it with: {_command(folder)}" if _remains(folder) else ""
        raise Interrupted(f"Interrupted: {_left(folder)}{more}") from error
    except bpx.DivergenceError as error:
        raise click.ClickException(f"{error}. On disk: {_left(folder)}.") from error


def _remains(folder: RunFolder) -> bool:
    return bool(folder.epochs) or folder.has_progress or not folder.owned


def _command(folder: RunFolder) -> str:
    return shlex.join(["bpx", "resume", str(folder.path)])


def _left(folder: RunFolder) -> str:
    """Describe what an unfinished run has saved."""
    if folder.epochs:
        file = folder.path / MODEL
        return f"the network of epoch {folder.epochs[-1].number} is saved in {file}"
    if _remains(folder):
        return f"no epoch had finished, but {folder.path} has a checkpoint"
    return "no epoch had finished, so nothing was saved and the run folder was removed"


def _head(work: Work, folder: RunFolder) -> str:
    settings, network = work.settings, work.network
    counts = ", ".join(f"{count:,} {name}" for name, count in work.counts.items())
    names = [layer.activation.name for layer in network.spec.dense]
    decided = work.decided.told() if work.decided else []
    return "\n".join(
        (
            *(f"{name:<8}  {text}" for name, text in decided),
            f"data      {settings.data}: {counts}",
            f"network   {'-'.join(map(str, network.sizes))}, {', '.join(names)}, "
            f"{network.spec.cost.name}{_between(settings)}",
            f"training  {_rule(settings)}, batches of {settings.batch_size}, "
            f"seed {settings.seed}",
            f"home      {network.home}, {network.home.dtype}",
            f"folder    {folder.path}",
        )
    )


def _between(settings: Settings) -> str:
    norm = f", norm {settings.norm}" if settings.norm else ""
    rates = settings.dropout if isinstance(settings.dropout, tuple) else (settings.dropout,)
    dropout = ", ".join(f"{rate:g}" for rate in rates if rate is not None)
    return norm + (f", dropout {dropout}" if settings.dropout else "")


def _rule(settings: Settings) -> str:
    momentum = f", momentum {settings.momentum:g}" if settings.momentum else ""
    kind = " (Nesterov)" if settings.nesterov else ""
    decay = "" if settings.decay is None else f", decay {settings.decay:g}"
    penalty = f", lmbda {settings.lmbda:g}" if settings.lmbda else ""
    back = f", feedback {settings.feedback}" if settings.feedback != Settings.feedback else ""
    classes = "" if settings.class_weight is None else f", classes {settings.class_weight}"
    changes = f", schedule {settings.schedule}" if settings.schedule else ""
    changes += f", warmup {settings.warmup}" if settings.warmup else ""
    moved = f"{settings.optimizer}, eta {settings.eta:g}{changes}{momentum}{kind}{decay}"
    return f"{moved}{penalty}{classes}{back}"


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
            f"saved       {folder.path / MODEL} (epoch {kept})",
            f"next        {shlex.join(words)}",
        ]
    )
