"""Clocks: each runs a function and returns the seconds that it took."""

from collections.abc import Callable
from time import perf_counter, process_time
from typing import Any

from benchmarks import cuda

__all__ = ["CLOCKS", "Clock", "each", "wall"]

Clock = Callable[[Callable[[], Any]], float]
"""Seconds that a function takes; it must finish its work before it returns."""


def wall(run: Callable[[], Any]) -> float:
    """Wall-clock seconds."""
    began = perf_counter()
    run()
    return perf_counter() - began


def cpu(run: Callable[[], Any]) -> float:
    """CPU seconds of all threads of this process, added up."""
    began = process_time()
    run()
    return process_time() - began


CLOCKS: dict[str, Clock] = {"wall": wall, "cpu": cpu, "events": cuda.seconds}


def each(run: Callable[[], Any], clock: Clock, window: float) -> float:
    """Seconds of one call, averaged over as many in a row as fill the window."""
    calls = 1
    while True:
        seconds = clock(lambda calls=calls: [run() for _ in range(calls)])
        if seconds >= window:
            return seconds / calls
        calls = max(2 * calls, round(1.1 * calls * window / max(seconds, 1e-9)))
