"""Processes that a command starts: their share of the cores, and the signals to them."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

__all__ = ["forwarding", "noted", "sharing_cores"]

_ENDING = ("SIGTERM", "SIGUSR1")
_FORWARDED = (*_ENDING, "SIGINT")
_THREADS = "OMP_NUM_THREADS"


def sharing_cores(processes: int) -> dict[str, str]:
    """Return the environment of so many processes, which share the cores of this machine."""
    found = dict(os.environ)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    found.setdefault(_THREADS, str(max(1, (cores or 1) // processes)))
    return found


@contextmanager
def forwarding(processes: Sequence["subprocess.Popen[bytes]"]) -> Iterator[list[int]]:
    """Pass signals on to processes, also to those that are added later, and note them."""
    asked: list[int] = []

    def forward(number: int, frame: Any) -> None:
        asked.append(number)
        # Ctrl-C at a terminal reaches the whole group of processes by itself.
        if not (number == signal.SIGINT and sys.stdin.isatty()):
            for process in processes:
                process.send_signal(number)

    with _handled(_FORWARDED, forward):
        yield asked


@contextmanager
def noted() -> Iterator[list[int]]:
    """Note the signals that ask this process to end, which then decides when."""
    asked: list[int] = []
    with _handled(_ENDING, lambda number, frame: asked.append(number)):
        yield asked


@contextmanager
def _handled(names: Sequence[str], handler: Callable[[int, Any], None]) -> Iterator[None]:
    numbers = [getattr(signal, each) for each in names if hasattr(signal, each)]
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
