"""Python's garbage collector, paused."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["uncollected"]


@contextmanager
def uncollected() -> Iterator[None]:
    """Start no collections in a block that makes many objects, all of which stay.

    A collection would look at all objects of the process, several times in a deep network's
    recording, and find none to free.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
