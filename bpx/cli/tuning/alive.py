"""Which workers of a search are alive: each holds a lock, which the system releases.

A lock is released when its process ends, however it ends, so that no time has to be waited for.
"""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import sleep

import bpx
from bpx.io.locks import Lock

__all__ = ["alone", "is_alive", "waited_for", "worker"]

_WORKERS = "workers"
_SECONDS = 0.005


@contextmanager
def worker(folder: Path) -> Iterator[str]:
    """Be a worker of the search in a folder, by the name that this yields."""
    name = f"{platform.node()}-{os.getpid()}-{os.urandom(3).hex()}"
    place = folder / _WORKERS / name
    _make(place)
    lock = Lock(place)
    try:
        yield name
    finally:
        _remove(lock)


def _make(place: Path) -> None:
    while not place.exists():
        with suppress(FileNotFoundError):  # the last of the others has just removed its parent
            place.mkdir(parents=True)


def is_alive(folder: Path, name: str) -> bool:
    """Whether the worker of that name is at work, here or on another machine."""
    try:
        lock = Lock(folder / _WORKERS / name)
    except bpx.InputError:
        return True
    except FileNotFoundError:
        return False
    _remove(lock)
    return False


def _remove(lock: Lock) -> None:
    lock.release(remove=True)
    for place in (lock.folder, lock.folder.parent):
        with suppress(OSError):  # there are other workers
            place.rmdir()


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Do something while no other worker does such a thing."""
    lock = waited_for(folder)
    try:
        yield
    finally:
        lock.release()


def waited_for(folder: Path) -> Lock:
    """Return the lock of a folder as soon as no other process holds it."""
    while True:
        try:
            return Lock(folder)
        except bpx.InputError:
            sleep(_SECONDS)
