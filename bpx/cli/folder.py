"""A run's folder: made, described, removed if nothing was learned, and found again.

`bpx.train` writes the folder: see `bpx.io.runs`. The command line adds its own options to
``run.toml``. If a run ends before its first epoch finishes, and has no checkpoint but that of
its beginning, its folder is removed.
"""

import os
import shlex
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

import tomli_w

import bpx
from bpx._files import expanded, write_atomically
from bpx.io.parsing import parsed_toml
from bpx.io.runs import CHECKPOINTS, HISTORY, LINES, MODEL, SETTINGS, Run
from bpx.network.resuming.record import COLUMNS

__all__ = [
    "COLUMNS",
    "HISTORY",
    "MODEL",
    "RunFolder",
    "find_network",
    "make_folder",
    "read_settings",
    "run_path",
]

OLD = {MODEL: "network.safetensors", SETTINGS: "settings.toml"}
"""The names that earlier versions gave to two of the files."""


@dataclass
class RunFolder:
    """The folder of one run. As a context manager, it removes itself if nothing was learned.

    Attributes
    ----------
    path : Path
    made : tuple of Path
        The folders that were made for it, the innermost first.
    epochs : list of Epoch
        The recorded epochs.
    owned : bool
        Whether the run was begun here, so that what is in the folder may be removed. Until
        `bpx.train` has the folder, another process may write its run there.
    """

    path: Path
    made: tuple[Path, ...] = ()
    epochs: list[bpx.Epoch] = field(default_factory=list)
    owned: bool = False

    def __enter__(self) -> "RunFolder":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # A signal's message has promised that the run can be continued.
        promised = kind is not None and issubclass(kind, bpx.Preempted)
        if self.owned and not self.epochs and not self._has_checkpoint(0 if promised else 1):
            self._discard()
        with suppress(OSError):  # stop at the first that is not empty
            for folder in self.made:
                folder.rmdir()

    @property
    def has_progress(self) -> bool:
        """Whether there is a checkpoint besides that of the beginning."""
        return self._has_checkpoint(1)

    def _has_checkpoint(self, after: int) -> bool:
        return any(number > after for number in Run(self.path).numbers())

    def describe(self, settings: Mapping[str, Any]) -> None:
        """Write options before the settings of the training, or in place of earlier options."""
        path = self.path / SETTINGS
        tree = parsed_toml(path.read_text(encoding="utf-8"))
        with write_atomically(path) as file:
            file.write(tomli_w.dumps({**settings, **tree, **settings}).encode())

    def _discard(self) -> None:
        for name in (SETTINGS, HISTORY, LINES, MODEL, ".lock"):
            with suppress(OSError):
                (self.path / name).unlink()
        shutil.rmtree(self.path / CHECKPOINTS, ignore_errors=True)


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
    if not out:
        raise bpx.InputError("--out '' was given; expected a new or empty folder")
    if os.path.isfile(path):
        raise bpx.InputError(f"--out {out} is a file; expected a new or empty folder")
    with _named_errors(path):
        if os.path.isdir(path) and any(path.iterdir()):
            raise bpx.InputError(
                f"--out {out} has files in it; expected a new or empty folder: choose "
                f"another, or omit --out for a fresh one under runs/{_continuing(path)}"
            )
        made = _missing(path)
        path.mkdir(parents=True, exist_ok=True)
    return RunFolder(path, made)


def _continuing(path: Path) -> str:
    """Return the advice to continue what is there, if it is a run."""
    command = shlex.join(["bpx", "resume", str(path)])
    return f"; or continue the run that it holds: {command}" if Run(path).numbers() else ""


def run_path(given: str) -> Path:
    """Return the path of a run's folder.

    Raises
    ------
    InputError
        If there is none.
    """
    path = expanded(given)
    if not os.path.isdir(path):
        what = "is a file" if os.path.exists(path) else "does not exist"
        raise bpx.InputError(f"{given} {what}; expected the folder of a run of bpx train")
    return path


def find_network(given: str) -> tuple[Path, dict[str, Any] | None]:
    """Return the file of a network, and its run's settings if the run's folder was given.

    The folders of earlier versions are read as well.

    Raises
    ------
    InputError
        If the path does not exist, or the folder holds no network.
    FileFormatError
        If the settings cannot be read.
    """
    path = expanded(given)
    if not os.path.exists(path):
        raise bpx.InputError(
            f"{given} does not exist; expected the folder of a run, or a file that "
            "Network.save wrote"
        )
    if not path.is_dir():
        return path, None
    file = _either(path, MODEL)
    if not file.is_file():
        raise bpx.InputError(
            f"{given} has no {MODEL}; expected a file that Network.save wrote, or the folder "
            "of a run that has finished an epoch"
        )
    return file, read_settings(path)


def read_settings(folder: Path) -> dict[str, Any] | None:
    """Return the settings of a run, or None if there are none.

    Raises
    ------
    FileFormatError
        If they cannot be read.
    """
    path = _either(folder, SETTINGS)
    try:
        return parsed_toml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise bpx.FileFormatError(
            f"{path} cannot be read: {error}; to do without it, give the network's file, "
            "not the folder"
        ) from error


def _either(folder: Path, name: str) -> Path:
    """Return a file of a run by its name, or by the one that earlier versions gave it."""
    old = folder / OLD[name]
    return old if old.exists() and not (folder / name).exists() else folder / name


def _fresh(data: str) -> RunFolder:
    stem = PurePath(data).name.partition(".")[0] or "run"
    name = f"{stem}-{time.strftime('%Y%m%d-%H%M%S')}"
    path, number = Path("runs", name), 1
    above = _missing(path.parent)
    with _named_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        while not _is_made(path):  # several runs may begin within a second
            number += 1
            path = path.with_name(f"{name}-{number}")
    return RunFolder(path, (path, *above))


def _is_made(path: Path) -> bool:
    """Make a folder; return False if something has its name."""
    try:
        path.mkdir()
    except FileExistsError:
        return False
    return True


def _missing(path: Path) -> tuple[Path, ...]:
    return tuple(each for each in (path, *path.parents) if not each.exists())


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
