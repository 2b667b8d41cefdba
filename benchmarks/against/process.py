"""Run a script of `benchmarks.against.children` once, or keep it running for questions."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from benchmarks.against.engines import environment

__all__ = ["ChildError", "Worker", "core", "run"]

SCRIPTS = Path(__file__).parent / "children"
_NONE: dict[str, str] = {}


class ChildError(Exception):
    """A child ended without an answer; its last line says why."""


def core(number: int = 0) -> int | None:
    """A core of this process for a child, counted from the last; None if none can be chosen."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    cores = sorted(os.sched_getaffinity(0), reverse=True)
    return cores[number % len(cores)]


def run(
    script: str,
    root: Path,
    job: Mapping[str, Any] = _NONE,
    variables: Mapping[str, str] = _NONE,
    on: int | None = None,
) -> str:
    """The output of a script, run on the bpx of a tree and on one core.

    Raises
    ------
    ChildError
        If it fails.
    """
    command, env = _command(script, root, job, on), environment(root, variables)
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    if done.returncode:
        raise ChildError(_last_line(script, done.stderr))
    return done.stdout


class Worker:
    """A script that answers each line with one line, until the ``with`` block ends."""

    def __init__(
        self,
        script: str,
        root: Path,
        job: Mapping[str, Any],
        variables: Mapping[str, str],
        on: int | None,
    ) -> None:
        self._script = script
        self._said = TemporaryFile("w+")  # noqa: SIM115 - closed at the end of the context
        self._child = subprocess.Popen(
            _command(script, root, job, on),
            env=environment(root, variables),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
        )

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self._child.kill()
        self._child.communicate()
        self._said.close()

    def ask(self, line: Any) -> float:
        """The number that it answers with.

        Raises
        ------
        ChildError
            If it has ended.
        """
        assert self._child.stdin is not None
        with suppress(BrokenPipeError):  # it has ended: `_answer` says why
            self._child.stdin.write(f"{line}\n")
            self._child.stdin.flush()
        return self._answer()

    def _answer(self) -> float:
        assert self._child.stdout is not None
        if line := self._child.stdout.readline():
            return float(line)
        self._child.wait()
        self._said.seek(0)
        raise ChildError(_last_line(self._script, self._said.read()))


def _command(script: str, root: Path, job: Mapping[str, Any], on: int | None) -> list[str]:
    told = json.dumps({"root": str(root), "core": on, **job})
    return [sys.executable, str(SCRIPTS / f"{script}.py"), told]


def _last_line(script: str, said: str) -> str:
    lines = said.strip().splitlines() or ["it said nothing"]
    return f"{script}.py: {lines[-1]}"
