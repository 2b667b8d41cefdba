"""A command with a time limit, after which it is stopped with all processes that it started."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

__all__ = ["Ended", "last_line", "run"]

GRACE = 3.0
"""Seconds between the request to end and the kill."""


class Ended(NamedTuple):
    """How a command ended.

    Attributes
    ----------
    code : int or None
        Its exit code; None if it ran out of time.
    seconds : float
    """

    code: int | None
    seconds: float


def run(
    command: Sequence[str], seconds: float, log: Path, environment: Mapping[str, str]
) -> Ended:
    """Run a command; its output goes to `log`."""
    began = perf_counter()
    with (
        log.open("w", encoding="utf-8") as output,
        subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | dict(environment),
            start_new_session=True,
        ) as process,
    ):
        try:
            code: int | None = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _end(process)
    return Ended(code, perf_counter() - began)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Stop the rest of its group: pytest's workers, and children that do not answer."""
    for how in ("SIGTERM", "SIGKILL"):
        with suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, getattr(signal, how))
            else:
                process.kill()
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)


def last_line(log: Path) -> str:
    """The last line that a command printed."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    said = [line.strip() for line in text.splitlines() if line.strip()]
    return said[-1] if said else "it said nothing"
