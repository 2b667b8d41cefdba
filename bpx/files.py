"""Writing a file at once or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from bpx.errors import InputError

__all__ = ["write_atomically"]


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
