"""Signals that ask a run to end: noted when they come, and acted upon after a checkpoint.

SIGTERM and SIGUSR1 are what a batch system sends before it kills a process. Ctrl-C waits for
the checkpoint too, but only once: a second one interrupts at once, as usual.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["Signals"]

_NAMES = ("SIGTERM", "SIGUSR1")


class Signals:
    """The handlers of a run, from `install` to `restore`; in the main thread only.

    Attributes
    ----------
    asked : int or None
        The signal that came.
    """

    def __init__(self) -> None:
        self.asked: int | None = None
        self._before: dict[int, Any] = {}
        self._inside = False

    def install(self) -> None:
        """Note signals from now on. A signal that the process ignores stays ignored."""
        if self._before or threading.current_thread() is not threading.main_thread():
            return
        for name in _NAMES:
            number = getattr(signal, name, None)  # Windows has no SIGUSR1
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._note)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._before[signal.SIGINT] = signal.signal(signal.SIGINT, self._interrupted)

    def restore(self) -> None:
        """Restore the handlers from before."""
        if threading.current_thread() is not threading.main_thread():
            return
        while self._before:
            number, before = self._before.popitem()
            signal.signal(number, signal.SIG_DFL if before is None else before)

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Let Ctrl-C wait while training runs, but not in what its caller does in between."""
        self._inside = True
        try:
            yield
        finally:
            self._inside = False

    def _note(self, number: int, frame: Any) -> None:
        self.asked = number

    def _interrupted(self, number: int, frame: Any) -> None:
        if not self._inside or self.asked == number:
            signal.default_int_handler(number, frame)
        self.asked = number
