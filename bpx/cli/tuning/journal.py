"""Optuna's journal, made safe against workers that die: a lock that the system releases.

Optuna's own locks are files, which a killed process leaves, so that all others wait for ever.
"""

import os
from pathlib import Path
from typing import Any

from bpx.cli.tuning.alive import waited_for
from bpx.io.locks import Lock

__all__ = ["JournalLock", "journal"]

_FOLDER, _NAME = "trials", "journal.log"


class JournalLock:
    """The lock of a journal, as Optuna asks for it: only its holder appends to the file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._held: Lock | None = None

    def acquire(self) -> bool:
        """Wait for the lock, and remove what a process that died left of a line."""
        self._held = waited_for(self._file.parent)
        _mend(self._file)
        return True

    def release(self) -> None:
        """Let others append."""
        if self._held is not None:
            self._held.release()
            self._held = None


def journal(optuna: Any, folder: Path) -> Any:
    """Return the storage of the trials of the search in a folder."""
    file = folder / _FOLDER / _NAME
    file.parent.mkdir(exist_ok=True)
    backend = optuna.storages.journal.JournalFileBackend(str(file), JournalLock(file))
    return optuna.storages.JournalStorage(backend)


def _mend(file: Path) -> None:
    """Cut a last line without an end, as a machine leaves it that fails while it writes."""
    with file.open("rb+") as journal:
        if journal.seek(0, os.SEEK_END) == 0:
            return
        journal.seek(-1, os.SEEK_END)
        if journal.read() != b"\n":
            journal.seek(0)
            journal.truncate(journal.read().rfind(b"\n") + 1)
