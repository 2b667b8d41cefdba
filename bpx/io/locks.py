"""A lock on a folder, which the operating system releases when its process ends."""

import os
import platform
import sys
import weakref
from contextlib import suppress
from logging import getLogger
from pathlib import Path

from bpx.errors import InputError

__all__ = ["Lock"]

_NAME = ".lock"
_FAR = 1 << 30
"""The byte that Windows locks: it is not in the file, so others can read what is."""
_log = getLogger("bpx")
_held: "weakref.WeakSet[Lock]" = weakref.WeakSet()


class Lock:
    """A lock on a folder, held from the call to `release`, or until the process ends.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    InputError
        If another process, or another training of this one, holds it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._descriptor: int | None = None
        descriptor = _opened(folder)
        while not _is_named(descriptor, folder):  # its last holder has removed it meanwhile
            os.close(descriptor)
            descriptor = _opened(folder)
        self._descriptor = descriptor
        _held.add(self)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, _this_process().encode())

    def release(self, *, remove: bool = False) -> None:
        """Release the lock.

        Parameters
        ----------
        remove : bool, optional
            Whether to remove its file, where the system can remove a file that is open.
        """
        if self._descriptor is not None:
            if remove:
                with suppress(OSError):
                    (self.folder / _NAME).unlink()
            os.close(self._descriptor)
            self._descriptor = None

    def __del__(self) -> None:
        if getattr(self, "_descriptor", None) is not None:
            self.release()


def _this_process() -> str:
    return f"process {os.getpid()} on {platform.node()}"


def _opened(folder: Path) -> int:
    """Open and lock the file of a folder."""
    descriptor = os.open(folder / _NAME, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _lock(descriptor)
    except BlockingIOError:
        holder = os.read(descriptor, 200).decode(errors="replace") or "another process"
        os.close(descriptor)
        wait = "wait until it ends"
        if holder == _this_process():
            wait = "this process itself has a training that holds it: call training.close()"
        raise InputError(
            f"{folder} is in use by {holder}; {wait}, or choose another folder"
        ) from None
    except OSError as error:  # a file system without locks
        _log.warning(
            "%s cannot be locked (%s): make sure that no other process writes there",
            folder,
            error.strerror or error,
        )
    return descriptor


def _is_named(descriptor: int, folder: Path) -> bool:
    """Whether the open file is still the one that the next process would open."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(folder / _NAME))
    except FileNotFoundError:
        return False


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        os.lseek(descriptor, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError from error
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _forget() -> None:
    """Close the locks in a forked process, which must not outlive its parent's training."""
    for lock in list(_held):
        lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
