"""Signals that ask a run to end: noted when they come, and acted upon after a checkpoint.

SIGTERM and SIGUSR1 are what a batch system sends before it kills a process. Ctrl-C waits for
the checkpoint too, but only once: a second one interrupts at once, as usual.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["Signals"]

_NAMES = ("SIGTERM", "SIGUSR1")
GRACE = 5.0
"""The seconds that a caller between two epochs has to ask for the next one."""


class Signals:
    """The handlers of a run, from `install` to `restore`; in the main thread only.

    Parameters
    ----------
    late : callable
        ``late(number)`` ends the run in its caller's code: a signal came between two epochs,
        and the next one was not asked for within `GRACE` seconds, or another signal came.

    Attributes
    ----------
    asked : int or None
        The signal that came.
    """

    def __init__(self, late: Callable[[int], None]) -> None:
        self.asked: int | None = None
        self._before: dict[int, Any] = {}
        self._inside, self._over, self._late = False, False, late
        self._process = os.getpid()
        self._timer: threading.Timer | None = None

    def install(self) -> None:
        """Note signals from now on. A signal that the process ignores stays ignored."""
        if threading.current_thread() is not threading.main_thread():
            return
        self._over, self._process = False, os.getpid()
        for name in _NAMES:
            number = getattr(signal, name, None)  # Windows has no SIGUSR1
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                self._replace(number, self._note)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._replace(signal.SIGINT, self._interrupted)

    def _replace(self, number: int, handler: Any) -> None:
        if number not in self._before:
            self._before[number] = signal.signal(number, handler)

    def restore(self) -> None:
        """Restore the handlers from before.

        A handler cannot be restored by another thread, nor below that of a training that began
        later. It then passes its signal on.
        """
        self._no_longer_wait()
        self._over = True
        if threading.current_thread() is not threading.main_thread():
            return
        for number, before in list(self._before.items()):
            if signal.getsignal(number) in (self._note, self._interrupted):
                signal.signal(number, signal.SIG_DFL if before is None else before)
                del self._before[number]

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Let Ctrl-C wait while training runs, but not in what its caller does in between."""
        self._inside = True
        self._no_longer_wait()
        try:
            yield
        finally:
            self._inside = False
            if self.asked is not None:
                self._wait(self.asked)

    def _note(self, number: int, frame: Any) -> None:
        if self._is_over():
            self._pass_on(number)
            return
        first, self.asked = self.asked is None, number
        if self._inside:
            return
        if first:
            self._wait(number)
        else:
            self._late(number)

    def _interrupted(self, number: int, frame: Any) -> None:
        if self._is_over():
            self._pass_on(number)
            return
        if not self._inside or self.asked == number:
            self.asked = None if self.asked == number else self.asked  # it is heeded here
            signal.default_int_handler(number, frame)
        self.asked = number

    def _is_over(self) -> bool:
        """Whether the training has ended, or belongs to the process that forked this one."""
        return self._over or os.getpid() != self._process

    def _pass_on(self, number: int) -> None:
        """Send a signal to the handler from before; signals are handled in the main thread."""
        self.restore()
        signal.raise_signal(number)

    def _wait(self, number: int) -> None:
        """Send the signal once more, unless the next epoch is asked for in time."""
        self._no_longer_wait()
        self._timer = threading.Timer(GRACE, self._send, (number,))
        self._timer.daemon = True
        self._timer.start()

    def _no_longer_wait(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _send(self, number: int) -> None:
        """Send a signal to the main thread, which it wakes from a system call where it can."""
        if self._timer is not threading.current_thread():  # cancelled while it began
            return
        main = threading.main_thread().ident
        if hasattr(signal, "pthread_kill") and main is not None:
            signal.pthread_kill(main, number)
        else:
            signal.raise_signal(number)
