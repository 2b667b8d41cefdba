"""What a person sees of a run: a live display on a terminal, plain lines in a log."""

import sys
from collections.abc import Sequence
from time import monotonic
from typing import Protocol

import click
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

import bpx
from bpx.cli import health

__all__ = [
    "Display",
    "Lines",
    "LiveDisplay",
    "Silent",
    "best",
    "choose",
    "judged",
    "percent",
    "rounded",
]

SECONDS_BETWEEN_LINES = 30.0
"""In a log, an epoch that takes longer than this tells how far it is."""


class Display(Protocol):
    """What is told while a network is trained; shown for the length of a ``with`` block."""

    def __enter__(self) -> object:
        """Begin to show."""

    def __exit__(self, *_: object) -> None:
        """Put away what is shown."""

    def progress(self, progress: bpx.Progress) -> None:
        """How far an epoch has come."""

    def epoch(self, epoch: bpx.Epoch) -> None:
        """An epoch has finished."""


class Silent:
    """Nothing at all."""

    def __enter__(self) -> "Silent":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def progress(self, progress: bpx.Progress) -> None:
        """Say nothing."""

    def epoch(self, epoch: bpx.Epoch) -> None:
        """Say nothing."""


class Lines:
    """A line for each epoch, and now and then one within a long epoch."""

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs
        self._told = monotonic()

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def progress(self, progress: bpx.Progress) -> None:
        """A line, if the last one is long ago."""
        if monotonic() - self._told >= SECONDS_BETWEEN_LINES:
            share = f"{100 * progress.samples // _total(progress)} %"
            self._say(progress.epoch, [f"at {share}", *_words(progress)])

    def epoch(self, epoch: bpx.Epoch) -> None:
        """A line."""
        self._say(
            epoch.number,
            [*_training(epoch), *_validation(epoch), _rate(epoch), *_health(epoch)],
        )

    def _say(self, number: int, words: Sequence[str]) -> None:
        width = len(str(self._epochs))
        click.echo("  ".join([f"epoch {number:{width}}/{self._epochs}", *words]))
        self._told = monotonic()


class LiveDisplay:
    """A bar within the epoch, with the newest numbers below it."""

    def __init__(self, epochs: int, console: Console) -> None:
        self._epochs = epochs
        self._newest: bpx.Epoch | None = None
        self._best: bpx.Epoch | None = None
        self._live = Live(console=console, refresh_per_second=10)

    def __enter__(self) -> "LiveDisplay":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def progress(self, progress: bpx.Progress) -> None:
        """Move the bar."""
        self._show(progress.epoch, progress.samples, _total(progress), _words(progress))

    def epoch(self, epoch: bpx.Epoch) -> None:
        """Fill the bar, and keep the epoch's numbers in sight during the next one."""
        self._newest = epoch
        self._best = best([each for each in (self._best, epoch) if each])
        self._show(epoch.number, 1, 1, _words(epoch))

    def _show(self, number: int, done: int, total: int, words: Sequence[str]) -> None:
        bar = Table.grid(padding=(0, 2), expand=True)
        bar.add_column(no_wrap=True)
        bar.add_column(ratio=1)
        bar.add_row(f"epoch {number}/{self._epochs}", ProgressBar(total=total, completed=done))
        lines = [words, self._validated(), _health(self._newest)]
        self._live.update(Group(bar, *(Text("   ".join(line)) for line in lines if line)))

    def _validated(self) -> list[str]:
        if self._newest is None or self._best is None:
            return []
        newest, top = self._newest.validation, self._best.validation
        if newest is None or top is None:
            return []
        return [
            f"validation {judged(newest)}",
            f"best {judged(top)} in epoch {self._best.number}",
        ]


def choose(epochs: int, *, quiet: bool) -> Display:
    """The display that suits standard output."""
    if quiet:
        return Silent()
    console = Console(highlight=False)
    if sys.stdout.isatty() and console.is_interactive:
        return LiveDisplay(epochs, console)
    return Lines(epochs)


def best(epochs: Sequence[bpx.Epoch]) -> bpx.Epoch:
    """The first epoch of the highest accuracy, else of the lowest cost, on validation samples.

    Where there are none, on the training samples.
    """
    return min(epochs, key=_rank)


def _rank(epoch: bpx.Epoch) -> float:
    result = epoch.validation or epoch
    return result.cost if result.accuracy is None else -result.accuracy


def judged(result: bpx.Evaluation) -> str:
    """What a network is judged by, in words: its accuracy, else its cost."""
    if result.accuracy is None:
        return f"cost {rounded(result.cost)}"
    return f"accuracy {percent(result.accuracy)}"


def _training(record: bpx.Epoch | bpx.Progress) -> list[str]:
    cost = f"cost {rounded(record.cost):<7}"
    return (
        [cost] if record.accuracy is None else [cost, f"accuracy {percent(record.accuracy):>8}"]
    )


def _validation(epoch: bpx.Epoch) -> list[str]:
    return [] if epoch.validation is None else [f"validation {judged(epoch.validation)}"]


def _health(epoch: bpx.Epoch | None) -> list[str]:
    return [] if epoch is None or epoch.health is None else [health.summary(epoch.health)]


def _words(record: bpx.Epoch | bpx.Progress) -> list[str]:
    return [*_training(record), _rate(record)]


def _rate(record: bpx.Epoch | bpx.Progress) -> str:
    return f"{record.samples_per_second:,.0f} samples/s"


def percent(share: float) -> str:
    """A share as a person reads it: ``97.12 %``."""
    return f"{100 * share:.2f} %"


def rounded(value: float) -> str:
    """A cost to four digits: ``0.1200``."""
    return f"{value:#.4g}"


def _total(progress: bpx.Progress) -> int:
    assert progress.total is not None  # a command's samples are no stream
    return progress.total
