"""Folders whose files appear together or not at all, and the remains of killed processes."""

import errno
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["discard", "new_folder", "sweep", "sync", "write_file"]

_PART = ".bpx-part"
_NOT_FOR_FOLDERS = errno.EINVAL, errno.ENOTSUP
"""The answers of file systems, such as some on networks, that cannot sync a folder."""


@contextmanager
def new_folder(place: Path) -> Iterator[Path]:
    """Make a folder under another name, which becomes `place` at the end of the block.

    Everything is on the disk before the folder gets its name, and the name is before the block
    ends. If anything fails, nothing remains.

    Raises
    ------
    OSError
    """
    temporary = _beside(place)
    temporary.mkdir()
    try:
        yield temporary
        sync(temporary)
        os.rename(temporary, place)
    finally:
        if temporary.exists():
            shutil.rmtree(temporary, ignore_errors=True)
    try:
        sync(place.parent)
    except BaseException:
        discard(place)
        raise


def write_file(path: Path, content: bytes) -> None:
    """Write a new file, and wait until it is on the disk."""
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync(path: Path) -> None:
    """Wait until a file's contents, or the names in a folder, are on the disk."""
    if path.is_dir() and sys.platform == "win32":  # which cannot open a folder
        return
    is_folder = path.is_dir()
    descriptor = os.open(path, os.O_RDONLY if is_folder else os.O_RDWR)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if not is_folder or error.errno not in _NOT_FOR_FOLDERS:
            raise
    finally:
        os.close(descriptor)


def discard(folder: Path) -> None:
    """Remove a folder; if the process is killed meanwhile, `sweep` removes what is left."""
    doomed = _beside(folder)
    with suppress(OSError):
        os.rename(folder, doomed)
        shutil.rmtree(doomed, ignore_errors=True)


def sweep(parent: Path) -> None:
    """Remove what killed processes left in a folder in which nobody else writes."""
    for path in parent.glob(f".*{_PART}"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()


def _beside(place: Path) -> Path:
    return place.with_name(f".{place.name}.{os.getpid()}-{os.urandom(4).hex()}{_PART}")
