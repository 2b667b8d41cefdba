"""The display of a run: live on a terminal, plain lines in a log."""

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
from bpx.cli import health, metrics

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
"""In a log, the seconds after which a long epoch reports its progress."""


class Display(Protocol):
    """A display of a training run, shown for the duration of a ``with`` block."""

    def __enter__(self) -> object:
        """Start the display."""

    def __exit__(self, *_: object) -> None:
        """End the display."""

    def progress(self, progress: bpx.Progress) -> None:
        """Show the progress of an epoch."""

    def epoch(self, epoch: bpx.Epoch) -> None:
        """Show a finished epoch."""


class Silent:
    """A display that shows nothing."""

    def __enter__(self) -> "Silent":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def progress(self, progress: bpx.Progress) -> None:
        """Show nothing."""

    def epoch(self, epoch: bpx.Epoch) -> None:
        """Show nothing."""


class Lines:
    """A display that prints one line per epoch, and progress lines during a long epoch."""

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs
        self._told = monotonic()

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def progress(self, progress: bpx.Progress) -> None:
        """Print a line if the last one is older than `SECONDS_BETWEEN_LINES`."""
        if monotonic() - self._told >= SECONDS_BETWEEN_LINES:
            share = f"{100 * progress.samples // _total(progress)} %"
            self._say(progress.epoch, [f"at {share}", *_words(progress)])

    def epoch(self, epoch: bpx.Epoch) -> None:
        """Print a line."""
        self._say(
            epoch.number,
            [*_training(epoch), *_validation(epoch), _rate(epoch), *_health(epoch)],
        )

    def _say(self, number: int, words: Sequence[str]) -> None:
        width = len(str(self._epochs))
        click.echo("  ".join([f"epoch {number:{width}}/{self._epochs}", *words]))
        self._told = monotonic()


class LiveDisplay:
    """A display with a progress bar for the epoch and the latest numbers below it."""

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
        """Fill the bar, and keep the epoch's numbers on screen during the next epoch."""
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
            *metrics.words(newest),
            f"best {judged(top)} in epoch {self._best.number}",
        ]


def choose(epochs: int, *, quiet: bool) -> Display:
    """Return the display that suits standard output."""
    if quiet:
        return Silent()
    console = Console(highlight=False)
    if sys.stdout.isatty() and console.is_interactive:
        return LiveDisplay(epochs, console)
    return Lines(epochs)


def best(epochs: Sequence[bpx.Epoch]) -> bpx.Epoch:
    """Return the first epoch with the highest validation accuracy, else the lowest cost.

    Without validation samples, the training samples decide.
    """
    return min(epochs, key=_rank)


def _rank(epoch: bpx.Epoch) -> float:
    result = epoch.validation or epoch
    return result.cost if result.accuracy is None else -result.accuracy


def judged(result: bpx.Evaluation) -> str:
    """Return the accuracy as text, or the cost if there is no accuracy."""
    if result.accuracy is None:
        return f"cost {rounded(result.cost)}"
    return f"accuracy {percent(result.accuracy)}"


def _training(record: bpx.Epoch | bpx.Progress) -> list[str]:
    cost = f"cost {rounded(record.cost):<7}"
    return (
        [cost] if record.accuracy is None else [cost, f"accuracy {percent(record.accuracy):>8}"]
    )


def _validation(epoch: bpx.Epoch) -> list[str]:
    result = epoch.validation
    return [] if result is None else [f"validation {judged(result)}", *metrics.words(result)]


def _health(epoch: bpx.Epoch | None) -> list[str]:
    return [] if epoch is None or epoch.health is None else [health.summary(epoch.health)]


def _words(record: bpx.Epoch | bpx.Progress) -> list[str]:
    return [*_training(record), _rate(record)]


def _rate(record: bpx.Epoch | bpx.Progress) -> str:
    return f"{record.samples_per_second:,.0f} samples/s"


def percent(share: float) -> str:
    """Format a fraction as a percentage: ``97.12 %``."""
    return f"{100 * share:.2f} %"


def rounded(value: float) -> str:
    """Format a cost with four digits: ``0.1200``."""
    return f"{value:#.4g}"


def _total(progress: bpx.Progress) -> int:
    assert progress.total is not None  # a command never trains on a stream
    return progress.total
