"""A run as its settings describe it: its training, and what ``run.toml`` says of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import bpx
from bpx.cli import splits
from bpx.cli.places import STARTED
from bpx.cli.settings import versions
from bpx.cli.work import Work

__all__ = ["begin", "described"]


def begin(
    work: Work,
    folder: Path | None,
    progress: Callable[[bpx.Progress], None] | None = None,
    *,
    every: str | None = None,
    keep: int | None = None,
    resume: bool = False,
    ranks: str | None = None,
) -> bpx.Training:
    """Return the training of a run; the arguments are those of `bpx.train`.

    Without a folder, its settings are checked, and it writes nothing.

    Raises
    ------
    InputError
        If a setting cannot be used.
    """
    settings = work.settings
    return bpx.train(
        work.network,
        work.samples("train"),
        epochs=cast(int, settings.epochs),
        batch_size=cast(int, settings.batch_size),
        accumulate=1 if settings.accumulate is None else settings.accumulate,
        precision=settings.precision or "float32",
        early_stopping=settings.early_stopping,
        callbacks=_logs(folder) if settings.tensorboard and folder is not None else [],
        optimizer=settings.make_optimizer(),
        lmbda=cast(float, settings.lmbda),
        class_weight=settings.class_weight,
        validation=work.samples("validation"),
        seed=settings.seed,
        progress=progress,
        health=settings.health,
        metrics=cast(Any, settings.metrics),
        checkpoint=folder,
        every=every,
        keep=keep,
        resume=resume,
        ranks=ranks,
    )


def _logs(folder: Path) -> list[bpx.TensorBoard]:
    return [bpx.TensorBoard(folder / "tensorboard")]


def described(work: Work) -> dict[str, object]:
    """Return the options of a run, and what repeats it, for ``run.toml``."""
    return {
        "command": work.settings.command(),
        **work.settings.given(),
        STARTED: str(Path.cwd()),
        "samples": work.counts,
        "drawn": splits.DRAWN,
        "versions": versions(work.network.home),
    }
