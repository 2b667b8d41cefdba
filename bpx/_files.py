"""The cache folder, and writing a file at once or not at all."""

import os
import platform
import re
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from bpx.errors import InputError

__all__ = ["cache_folder", "expanded", "write_atomically"]

_DAY = 86_400.0
_LONGEST = 40
"""Characters of a name that its temporary file repeats: the whole must stay below the limit."""


@contextmanager
def write_atomically(path: str | Path) -> Iterator[IO[bytes]]:
    """A file to write to, which takes its place at the end of the block or not at all.

    It is written beside its place, flushed to the disk, and renamed into it. A file that
    was there keeps its permissions, and a symbolic link stays one. What a killed process left
    of an earlier write to the same place is removed.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    InputError
        If it cannot be written; what was there is as it was.
    """
    place = Path(os.path.realpath(expanded(path)))
    owner = f"{_machine()}-{os.getpid()}-{os.urandom(4).hex()}"
    temporary = place.with_name(f".{place.name[:_LONGEST]}.{owner}.bpx-part")
    try:
        with temporary.open("xb") as file:
            _sweep(place, now=os.fstat(file.fileno()).st_mtime)
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


def _sweep(place: Path, now: float) -> None:
    """Remove what killed processes left of writing to `place`.

    A process of this machine is asked whether it lives. Of another machine that shares the
    folder, and where processes cannot be asked, a file counts as left after a day, by the
    clock of the file system: `now` is the time of a file just made.
    """
    stem = re.escape(place.name[:_LONGEST])
    ours = re.compile(rf"\.{stem}\.([0-9a-f]{{8}})-(\d{{1,9}})-[0-9a-f]{{8}}\.bpx-part")
    with suppress(OSError), os.scandir(place.parent) as entries:
        for entry in entries:
            if (found := ours.fullmatch(entry.name)) is None:
                continue
            here = found[1] == _machine() and sys.platform != "win32"
            with suppress(OSError):
                old = entry.stat().st_mtime < now - _DAY
                if not _lives(int(found[2])) if here else old:
                    os.unlink(entry.path)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)  # asks, and sends nothing; on Windows it would be Ctrl-C
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True


def _machine() -> str:
    """Where a process number means something: a host, or a container with its own numbers."""
    numbers = ""
    with suppress(OSError):
        numbers = os.readlink("/proc/self/ns/pid")
    return f"{zlib.crc32(f'{platform.node()} {numbers}'.encode()):08x}"


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
