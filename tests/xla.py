"""What XLA compiles for the tests is kept: most of their time would go into compiling it again.

JAX finds a program by its text, the compiler's version and the machine, and loads what it
compiled before, in this process or another, bit for bit.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path

from bpx._files import cache_folder

__all__ = ["FOLDER", "folder", "forget", "keep_programs", "prune"]

FOLDER = "JAX_COMPILATION_CACHE_DIR"
SHORTEST = "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"
MOST = 2**30
"""The most bytes that are left when the tests end."""
MAPPINGS = 30_000
"""The memory mappings from which on programs are freed."""


def folder() -> Path:
    """Return where programs are kept, unless `FOLDER` names another place."""
    return cache_folder() / "xla"


def keep_programs() -> None:
    """Name the folder to JAX, which is not yet imported, and to the processes of tests."""
    with suppress(OSError):
        folder().mkdir(parents=True, exist_ok=True)
    if os.access(folder(), os.W_OK):
        os.environ.setdefault(FOLDER, str(folder()))
        os.environ.setdefault(SHORTEST, "0")  # seconds; most programs take a few hundredths


def forget(most: int = MAPPINGS) -> None:
    """Free the programs of this process if it has more than `most` memory mappings.

    Each program takes several of the 65,530 that Linux lets a process have by default, and XLA
    crashes when there are no more.
    """
    jax = sys.modules.get("jax")
    if jax is not None and _mappings() > most:
        jax.clear_caches()


def _mappings() -> int:
    try:
        with open("/proc/self/maps", "rb") as lines:
            return sum(1 for _ in lines)
    except OSError:  # another system, which has no such limit
        return 0


def prune(most: int = MOST) -> None:
    """Remove the oldest programs until the others have at most `most` bytes."""
    if not folder().is_dir():
        return
    found = [(path, path.stat()) for path in folder().iterdir()]
    size = sum(stat.st_size for _, stat in found)
    for path, stat in sorted(found, key=lambda each: each[1].st_mtime):
        if size <= most:
            return
        path.unlink(missing_ok=True)
        size -= stat.st_size
