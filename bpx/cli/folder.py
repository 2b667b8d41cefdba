"""A run's folder: its settings, its history, and the network of its last finished epoch.

``settings.toml`` is written at the start. After each epoch, ``network.safetensors`` is
replaced first, then a row is added to ``history.csv``. A run that is killed keeps both, and
the network is at least as recent as the last row. If a run ends before its first epoch
finishes, its folder is removed.
"""

import csv
import signal
import threading
import time
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

import tomli_w

import bpx
from bpx._files import expanded
from bpx.cli import health, metrics

__all__ = ["RunFolder", "find_network", "make_folder", "uninterrupted"]

SETTINGS, HISTORY, NETWORK = "settings.toml", "history.csv", "network.safetensors"

COLUMNS = (
    "epoch",
    "cost",
    "accuracy",
    "validation_cost",
    "validation_accuracy",
    "seconds",
    "samples_per_second",
)
"""The columns of ``history.csv``. A column that does not apply to a run stays empty."""


RATE = "eta"
"""The column of the learning rate at the end of an epoch, in runs with a schedule."""


@dataclass
class RunFolder:
    """The folder of one run. As a context manager, it removes itself if no epoch finished.

    Attributes
    ----------
    path : Path
    made : tuple of Path
        The folders that were made for it, the innermost first.
    epochs : list of Epoch
        The recorded epochs.
    rates : bool
        Whether the history has the learning rates.
    """

    path: Path
    made: tuple[Path, ...]
    epochs: list[bpx.Epoch] = field(default_factory=list)
    rates: bool = False

    def __enter__(self) -> "RunFolder":
        return self

    def __exit__(self, *_: object) -> None:
        if not self.epochs:
            self._discard()

    def begin(self, settings: Mapping[str, Any], more: Iterable[str] = ()) -> None:
        """Write the settings, and the header of the history with the extra columns `more`."""
        more = tuple(more)
        self.rates = RATE in more
        with _named_errors(self.path / SETTINGS):
            text = tomli_w.dumps(settings)
            (self.path / SETTINGS).write_text(text, encoding="utf-8", newline="\n")
        self._append((*COLUMNS, *more))

    def record(self, network: bpx.Network, epoch: bpx.Epoch, names: Sequence[str] = ()) -> None:
        """Save a finished epoch's network and its record; Ctrl-C waits until both are saved."""
        with uninterrupted():
            network.save(self.path / NETWORK)
            self._append(_row(epoch, names, rates=self.rates))
            self.epochs.append(epoch)

    def _append(self, row: Iterable[object]) -> None:
        path = self.path / HISTORY
        with _named_errors(path), path.open("a", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow(row)

    def _discard(self) -> None:
        for name in (SETTINGS, HISTORY, NETWORK):
            (self.path / name).unlink(missing_ok=True)
        with suppress(OSError):  # stop at the first that is not empty
            for folder in self.made:
                folder.rmdir()


def make_folder(out: str | None, data: str) -> RunFolder:
    """Make a new or empty folder at `out`, or a fresh ``runs/<data>-<time>``.

    Raises
    ------
    InputError
        If `out` is a file or a folder that is not empty, or the folder cannot be made.
    """
    if out is None:
        return _fresh(data)
    path = expanded(out)
    if path.exists() and not path.is_dir():
        raise bpx.InputError(f"--out {out} is a file; expected a new or empty folder")
    if path.is_dir() and any(path.iterdir()):
        raise bpx.InputError(
            f"--out {out} has files in it; expected a new or empty folder: choose another, or "
            "omit --out for a fresh one under runs/"
        )
    return _make(path)


def find_network(given: str) -> tuple[Path, dict[str, Any] | None]:
    """Return the file of a network, and its run's settings if the run's folder was given.

    Raises
    ------
    InputError
        If the path does not exist, or the folder holds no network.
    FileFormatError
        If the settings cannot be read.
    """
    path = expanded(given)
    if not path.exists():
        raise bpx.InputError(
            f"{given} does not exist; expected the folder of a run, or a file that "
            "Network.save wrote"
        )
    if not path.is_dir():
        return path, None
    if not (path / NETWORK).is_file():
        raise bpx.InputError(
            f"{given} has no {NETWORK}; expected a file that Network.save wrote, or the folder "
            "of a run that has finished an epoch"
        )
    return path / NETWORK, _read_settings(path / SETTINGS)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Delay Ctrl-C until the block ends, so that the files it writes are consistent."""
    main = threading.current_thread() is threading.main_thread()
    if not main or not callable(signal.getsignal(signal.SIGINT)):
        yield  # other threads never receive it, nor does a process that ignores SIGINT
        return
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if heard:
        raise KeyboardInterrupt


def _row(epoch: bpx.Epoch, names: Sequence[str], *, rates: bool) -> tuple[object, ...]:
    validation = epoch.validation or (None, None)
    timing = (round(epoch.seconds, 6), round(epoch.samples_per_second, 1))
    eta = (epoch.eta,) if rates else ()
    asked = metrics.row(names, epoch.validation)
    more = health.row(epoch.health) if epoch.health else ()
    return (epoch.number, epoch.cost, epoch.accuracy, *validation, *timing, *eta, *asked, *more)


def _fresh(data: str) -> RunFolder:
    stem = PurePath(data).name.partition(".")[0] or "run"
    name = f"{stem}-{time.strftime('%Y%m%d-%H%M%S')}"
    path, number = Path("runs", name), 2
    while path.exists():
        path, number = Path("runs", f"{name}-{number}"), number + 1
    return _make(path)


def _make(path: Path) -> RunFolder:
    made = tuple(each for each in (path, *path.parents) if not each.exists())
    with _named_errors(path):
        path.mkdir(parents=True, exist_ok=True)
    return RunFolder(path, made)


def _read_settings(path: Path) -> dict[str, Any] | None:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise bpx.FileFormatError(
            f"{path} cannot be read: {error}; to do without it, give the network's file, "
            "not the folder"
        ) from error


@contextmanager
def _named_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except bpx.InputError:
        raise
    except OSError as error:
        raise bpx.InputError(
            f"{path} cannot be written: {error.strerror or error}; expected a path that you "
            "can write to"
        ) from error
