"""Opening the folder of a run: its lock, and the newest checkpoint that is whole."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from logging import getLogger
from pathlib import Path
from typing import Any, NamedTuple

from bpx._files import expanded
from bpx._validate import whole
from bpx.errors import FileFormatError, InputError, advice
from bpx.io.locks import Lock
from bpx.io.parsing import parsed_toml
from bpx.io.runs import HISTORY, LINES, MODEL, SETTINGS, Run
from bpx.network.resuming.every import Every, parse

__all__ = ["EVERY", "KEEP", "Found", "Opened", "folder_of", "open_run"]

EVERY, KEEP = "1 epoch", 3

_log = getLogger("bpx")


class Found(NamedTuple):
    """A whole checkpoint: its number, and its ``state.json``."""

    number: int
    state: dict[str, Any]


class Opened:
    """The folder of a run, which nobody else can open until `close`.

    Parameters
    ----------
    path : str or Path
    every, keep
        As for `bpx.train`; None for those of the run that is continued.

    Attributes
    ----------
    run : Run
    interval : str
    every : Every
        The interval, read.
    keep : int
    found : Found or None
        The checkpoint to continue from.
    """

    def __init__(self, path: str | Path, every: Any, keep: Any) -> None:
        self._given = every, keep
        self._settle({})
        self.run = Run(folder_of(path).absolute())  # wherever the process goes meanwhile
        self.name = str(path)
        self.found: Found | None = None
        self._lock: Lock | None = None
        self._made: tuple[Path, ...] = ()

    def _settle(self, usual: Mapping[str, Any]) -> None:
        """Take what was given, and else what is usual for the run."""
        every, keep = self._given
        self.interval: str = usual.get("every", EVERY) if every is None else every
        self.every: Every = parse(self.interval)
        keep = usual.get("keep", KEEP) if keep is None else keep
        self.keep = whole("keep", keep, 1, None, "a whole number of at least 1")

    def take(self, found: Found | None) -> None:
        """Continue from a checkpoint, if there is one."""
        self.found = found
        self._settle({} if found is None else found.state)

    def make(self) -> None:
        """Make the folders, if they are missing, and lock them."""
        path = self.run.path
        folders = self.run.checkpoints, path, *path.parents
        self._made = tuple(each for each in folders if not each.exists())
        self.run.make()
        self.lock()

    def lock(self) -> bool:
        """Lock the folder; return False if this holds the lock already."""
        if self._lock is not None:
            return False
        self._lock = Lock(self.run.path)
        return True

    def close(self) -> None:
        """Release the lock."""
        self._release(remove=False)

    def abandon(self) -> None:
        """Release the lock, and remove what was made for a run that has not begun."""
        made, self._made = self._made, ()
        if self._lock is not None and made:  # without the lock they may be in use
            with suppress(OSError):
                self.run.checkpoints.rmdir()
                if self.run.path in made:
                    (self.run.path / SETTINGS).unlink(missing_ok=True)
                self._release(remove=True)
                for folder in made[1:]:
                    folder.rmdir()
        self.close()

    def _release(self, *, remove: bool) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release(remove=remove)


def open_run(
    path: str | Path, *, resume: bool, begins: bool, every: Any = None, keep: Any = None
) -> Opened:
    """Open the folder of a run.

    Parameters
    ----------
    path, every, keep
    resume : bool
        Whether to continue from a checkpoint.
    begins : bool
        Whether a run may begin if there is no checkpoint.

    Raises
    ------
    InputError
        If the folder cannot be used: another process uses it, it holds a run that is not to be
        continued, or it holds none that could be.
    FileFormatError
        If it has checkpoints, but all are damaged.
    """
    opened = Opened(path, every, keep)
    try:
        if not begins and not opened.run.numbers():
            raise InputError(_why_nothing(path, opened.run.path))
        opened.make()
        opened.run.sweep()
        _check_fresh(opened, resume)
        opened.take(_newest(opened))
    except OSError as error:
        opened.abandon()
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{path} cannot hold a run: {error.strerror or error}; expected a folder that you "
            "can write to"
        ) from error
    except BaseException:
        opened.abandon()
        raise
    return opened


def folder_of(path: Any) -> Path:
    """Return a path, with a leading ~ expanded; refuse what names no folder."""
    if not isinstance(path, str | os.PathLike) or str(path) == "" or "\0" in str(path):
        raise InputError(
            f"the run's folder was given as {path!r}; expected a path, such as 'runs/first'"
        )
    return expanded(path)


def _why_nothing(path: str | Path, place: Path) -> str:
    what = "has no checkpoint" if place.exists() else "does not exist"
    return f"{path} {what}; expected the folder of a run that has written one" + advice(
        ", with fit(..., checkpoint=folder)", ", with bpx train --out FOLDER"
    )


def _check_fresh(opened: Opened, resume: bool) -> None:
    """Refuse to begin a run where there is one, and to replace files that it did not write."""
    checkpoints, place = opened.run.numbers(), opened.run.path
    if checkpoints and not resume:
        raise InputError(
            f"{opened.name} already holds a run; "
            + advice(
                "add resume=True to continue it, or choose another folder",
                f"continue it with: bpx resume {opened.name}",
            )
        )
    if not checkpoints and (place / MODEL).exists():
        raise InputError(
            f"{opened.name} already holds a run, without a checkpoint to continue from, and "
            f"its {MODEL} would be replaced; choose another folder, or remove that file"
        )
    for name in [] if checkpoints else _in_the_way(opened.run):
        raise InputError(
            f"{opened.name} has a {name}, which a run would replace, and no checkpoint to "
            "continue from; choose another folder, or remove that file"
        )


def _in_the_way(run: Run) -> Iterator[str]:
    """Yield the files that a run would replace, but for those of one that has not begun."""
    if (run.path / SETTINGS).exists() and _identity(run) is None:
        yield SETTINGS
    for name in (LINES, HISTORY):  # empty before the first checkpoint
        if (run.path / name).exists() and (run.path / name).stat().st_size > 0:
            yield name


def _newest(opened: Opened) -> Found | None:
    """Return the newest checkpoint that is whole, after warnings about the newer ones."""
    run, why = opened.run, []
    identity = _identity(run)
    for number in run.numbers():
        try:
            state = run.read(number)
            if identity is not None and state["run"] != identity:
                raise FileFormatError("it belongs to another run")
        except FileFormatError as error:
            why.append(f"{run.place(number)} is not used: {error}")
            continue
        for each in why:
            _log.warning("%s; the checkpoint before it is used", each)
        return Found(number, state)
    if why:
        raise FileFormatError(
            f"{opened.name} has no checkpoint that can be used: {'; '.join(why)}"
        )
    return None


def _identity(run: Run) -> str | None:
    """Return the run's own name for itself, if its settings can be read."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        text = (run.path / SETTINGS).read_text(encoding="utf-8")
        return str(parsed_toml(text)["run"])
    return None
