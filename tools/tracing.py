"""Stop a child process at a system call and kill it there, with Linux's ptrace."""

import ctypes
import os
import signal
import sys

__all__ = ["killed_at", "problem", "trace_me"]

_TRACE_ME, _SYSCALL, _SET_OPTIONS = 0, 24, 0x4200
_GOOD = 1  # marks stops at system calls


def trace_me() -> None:
    """Let the parent trace this process from here on."""
    _ptrace(_TRACE_ME, 0)
    os.kill(os.getpid(), signal.SIGSTOP)


def killed_at(child: int, call: int | None) -> int:
    """Kill a child on its entry to a system call, counted from 0; None lets it end.

    Returns
    -------
    int
        The number of system calls that it has entered.
    """
    os.waitpid(child, 0)  # it stops in `trace_me`
    _ptrace(_SET_OPTIONS, child, _GOOD)
    entered, enters, passed = 0, True, 0
    while True:
        _ptrace(_SYSCALL, child, passed)
        _, status = os.waitpid(child, 0)
        if not os.WIFSTOPPED(status):
            return entered
        found, passed = os.WSTOPSIG(status), 0
        if found != signal.SIGTRAP | 0x80:
            passed = 0 if found == signal.SIGTRAP else found
            continue
        if enters:
            if entered == call:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                return entered
            entered += 1
        enters = not enters


def problem() -> str | None:
    """Return why this does not work here, or None."""
    if sys.platform != "linux":
        return "ptrace is Linux's"
    child = os.fork()
    if child == 0:
        try:
            trace_me()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    if not os.WIFSTOPPED(status):
        return "ptrace is not permitted"
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _ptrace(request: int, child: int, data: int = 0) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    if libc.ptrace(request, child, None, data) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
