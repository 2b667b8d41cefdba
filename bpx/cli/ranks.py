"""What the command line does on one of several ranks: the first one speaks for all.

``bpx launch`` starts the ranks, and reads what the first one notes in the folder that
``BPX_LAUNCHED`` names; under another launcher, nothing is noted.
"""

import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TypeVar

import click

import bpx
from bpx.arrays.home import select
from bpx.arrays.host import check_seed
from bpx.arrays.ranks import Communicator
from bpx.cli.folder import RunFolder
from bpx.training.parallel.agreement import Agreement
from bpx.training.parallel.choice import NEEDS, hosts
from bpx.training.parallel.ending import end
from bpx.training.parallel.failing import is_everywhere, together
from bpx_backends import is_installed
from bpx_backends.ranks.launched import launched
from bpx_backends.ranks.transports import described

__all__ = [
    "FINISHED",
    "FOLDER",
    "NOTES",
    "REFUSED",
    "agreed_seed",
    "attended",
    "collected",
    "folder_of_all",
    "is_first",
    "note",
    "on_all",
    "several",
]

T = TypeVar("T")

NOTES = "BPX_LAUNCHED"
"""The variable that names the folder for notes."""
FINISHED, REFUSED, FOLDER = "finished", "refused", "folder"
"""The notes: all ranks have ended well; what was asked cannot be done; the run's folder."""


def several() -> Communicator | None:
    """Return the ranks that run this command together; None if it runs alone."""
    if launched() is None:
        return None
    return hosts(None)


def is_first() -> bool:
    """Whether this process is the one that prints and writes."""
    ranks = several()
    return ranks is None or ranks.rank == 0


def on_all(function: Callable[[], T]) -> T:
    """Call a function that sends nothing on all ranks; an error of one is that of all."""
    ranks = several()
    return function() if ranks is None else together(ranks, function)


def agreed_seed(seed: int | None) -> int | None:
    """Return the seed that all ranks use; None if one process alone may draw it later."""
    ranks = several()
    if ranks is None or seed is not None:
        return seed
    return int(ranks.broadcast(check_seed(None)))


def folder_of_all(make: Callable[[], RunFolder]) -> RunFolder:
    """Return the run's folder, which the first rank makes."""
    ranks = several()
    if ranks is None:
        return make()
    held: list[RunFolder] = []

    def first() -> str:
        held.append(make())
        return str(held[0].path)

    path = Agreement(ranks).led(first)
    return held[0] if held else RunFolder(Path(path))


def note(name: str, text: str = "") -> None:
    """Note something for ``bpx launch``, if that started this process."""
    folder = os.environ.get(NOTES)
    if folder and is_first():
        Path(folder, name).write_text(text, encoding="utf-8")


def collected() -> dict[str, str]:
    """Return what ``bpx info`` shows: what can carry messages, and the ranks of this job."""
    needed = {**NEEDS, "devices": ("jax", "pip install jax")}
    found = {name: _transport(*each) for name, each in needed.items()}
    ranks, by = several(), launched()
    if by is not None:
        found["started by"] = f"{by.by}, as rank {by.rank} of {by.size}"
    if ranks is not None:
        own = f"{platform.node()}, process {os.getpid()}, {os.cpu_count()} cores, {_device()}"
        each = ranks.gather(own)
        found["messages by"] = ranks.name
        found |= {f"rank {number}": text for number, text in enumerate(each)}
    return found


def _transport(package: str, install: str) -> str:
    if not is_installed(package):
        return f"needs {package}, which is not installed; install it with: {install}"
    try:
        return described(package)
    except bpx.BackendError as error:
        return str(error)


def _device() -> str:
    """Return the device on which this rank would train."""
    try:
        home = select()
    except bpx.BpxError as error:
        return str(error)
    return f"{home.backend.name} on {home.device}"


@contextmanager
def attended() -> Iterator[None]:
    """Let only the first rank print, and end all of them if one ends with an error of its own.

    Without other ranks, nothing is different.
    """
    ranks, ended = several(), None
    try:
        with _heard(ranks):
            try:
                yield
            except SystemExit as error:
                if error.code not in (0, None):
                    raise
                ended = error
        if ranks is not None:
            ranks.gather(None)
        note(FINISHED)
    except click.exceptions.Exit:
        raise
    except BaseException as error:
        if ranks is None:
            raise
        if not _is_of_all(error):
            end(ranks, error)
        if not isinstance(error, bpx.Preempted):
            note(REFUSED)  # it would fail again
        if ranks.rank > 0:
            raise SystemExit(_code(error)) from error
        raise
    if ended is not None:
        raise ended


@contextmanager
def _heard(ranks: Communicator | None) -> Iterator[None]:
    """Let nobody hear what ranks other than the first print."""
    if ranks is None or ranks.rank == 0:
        yield
        return
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        yield


def _is_of_all(error: BaseException) -> bool:
    """Whether all ranks have the error; words that cannot be read are the same on each."""
    cause = error.__cause__ if isinstance(error, click.ClickException) else None
    marked = is_everywhere(error) or (cause is not None and is_everywhere(cause))
    return marked or isinstance(error, click.UsageError)


def _code(error: BaseException) -> int:
    code = getattr(error, "exit_code", getattr(error, "code", 1))
    return code if isinstance(code, int) else 1
