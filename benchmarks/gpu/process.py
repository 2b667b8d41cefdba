"""A command with a limit: when its time is over, it is ended with all that it has started."""

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
"""Seconds between the request to end and the end."""


class Ended(NamedTuple):
    """How a command ended.

    Attributes
    ----------
    code : int or None
        Its exit code; None if its time was over.
    seconds : float
    """

    code: int | None
    seconds: float


def run(
    command: Sequence[str], seconds: float, log: Path, environment: Mapping[str, str]
) -> Ended:
    """Run a command; what it prints goes into `log`."""
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
    """End what is left of its group: pytest's workers, children that do not answer."""
    for how in ("SIGTERM", "SIGKILL"):
        with suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, getattr(signal, how))
            else:
                process.kill()
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)


def last_line(log: Path) -> str:
    """The last thing that a command said."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    said = [line.strip() for line in text.splitlines() if line.strip()]
    return said[-1] if said else "it said nothing"
