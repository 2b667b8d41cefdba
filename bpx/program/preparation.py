"""The time that engines take to prepare a step, as for compiling it, apart from the rest."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import local
from time import perf_counter

__all__ = ["clock", "preparing"]


class _Spent(local):
    """The seconds that this thread has spent, and how many preparations it is within."""

    seconds, depth = 0.0, 0


_spent = _Spent()


def clock() -> float:
    """Return the time in seconds, without that which this thread has spent on preparations.

    Only differences mean something, those of one thread.
    """
    return perf_counter() - _spent.seconds


@contextmanager
def preparing() -> Iterator[None]:
    """Stop the thread's `clock` meanwhile; preparations may be within one another."""
    began = perf_counter()
    _spent.depth += 1
    try:
        yield
    finally:
        _spent.depth -= 1
        if not _spent.depth:
            _spent.seconds += perf_counter() - began
