"""The cache folder, and writing a file at once or not at all."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from bpx.errors import InputError

__all__ = ["cache_folder", "expanded", "write_atomically"]


@contextmanager
def write_atomically(path: str | Path) -> Iterator[IO[bytes]]:
    """A file to write to, which takes its place at the end of the block or not at all.

    It is written beside its place, flushed to the disk, and renamed into it. A file that
    was there keeps its permissions, and a symbolic link stays one.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    InputError
        If it cannot be written; what was there is as it was.
    """
    place = Path(os.path.realpath(path))
    temporary = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if place.exists():
            temporary.chmod(place.stat().st_mode)
        os.replace(temporary, place)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def cache_folder() -> Path:
    """The folder for downloads: BPX_CACHE, else the platform's own; it need not exist."""
    value = os.environ.get("BPX_CACHE")
    return expanded(value) if value else _platform_cache() / "bpx"


def _platform_cache() -> Path:
    if xdg := os.environ.get("XDG_CACHE_HOME"):
        return expanded(xdg)
    if sys.platform == "darwin":
        return expanded("~/Library/Caches")
    if sys.platform == "win32":
        return expanded(os.environ.get("LOCALAPPDATA") or "~/AppData/Local")
    return expanded("~/.cache")


def expanded(path: str | os.PathLike[str]) -> Path:
    """The path, a leading ~ written out."""
    return Path(os.path.expanduser(path))
