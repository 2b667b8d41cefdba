"""The cache folder, and atomic writes to files."""

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
"""The most characters of a file's name that its temporary file's name repeats."""


@contextmanager
def write_atomically(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a file that replaces `path` at the end of the block, or not at all.

    The file is written beside `path`, flushed to the disk, and renamed. An existing file keeps
    its permissions, and a symbolic link stays one. Temporary files that killed processes left
    from earlier writes to `path` are removed.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    InputError
        If the file cannot be written; an existing file is left unchanged.
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
    """Remove the temporary files that killed processes left beside `place`.

    A file of this machine is removed if its process has ended. A file of another machine that
    shares the folder, or any file on Windows, which cannot check processes safely, is removed
    after a day by the file system's clock: `now` is the time of a new file.
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
        os.kill(process, 0)  # only checks that it exists; on Windows it would send Ctrl-C
    except ProcessLookupError:
        return False
    except OSError:  # the process of another user
        return True
    return True


def _machine() -> str:
    """Identify where process ids are valid: the host, or a container with its own ids."""
    numbers = ""
    with suppress(OSError):
        numbers = os.readlink("/proc/self/ns/pid")
    return f"{zlib.crc32(f'{platform.node()} {numbers}'.encode()):08x}"


def cache_folder() -> Path:
    """Return the folder for downloads: BPX_CACHE, or the platform's. It may not exist yet."""
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
    """Return the path with a leading ~ expanded.

    Raises
    ------
    InputError
        If it is no path.
    """
    try:
        return Path(os.path.expanduser(path))
    except TypeError:
        raise InputError(
            f"{path!r} was given as a path; expected a text or a pathlib.Path"
        ) from None
