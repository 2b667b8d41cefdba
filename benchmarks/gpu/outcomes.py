"""The outcome of each part of a stage, one line of JSON, written as soon as it is known.

As a pytest plugin (``-p benchmarks.gpu.outcomes``) this module writes a line for each test, to
the file that the environment variable ``BENCHMARKS_OUTCOMES`` names.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["FILE", "OUTCOMES", "Outcome", "outcomes", "pytest_configure", "write"]

FILE = "BENCHMARKS_OUTCOMES"
OUTCOMES = ("passed", "skipped", "failed")
"""From the best to the worst."""


class Outcome(NamedTuple):
    """The outcome of one part.

    Attributes
    ----------
    name : str
    outcome : {"passed", "skipped", "failed"}
    why : str
        The reason, if the part did not pass.
    found : dict
        Its results.
    """

    name: str
    outcome: str
    why: str = ""
    found: Mapping[str, Any] = {}


def write(path: Path, outcome: Outcome) -> None:
    """Append an outcome to the file."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(outcome._asdict()) + "\n")


def outcomes(path: Path) -> list[Outcome]:
    """The worst outcome of each part; an incomplete line was being written at the end."""
    found: dict[str, Outcome] = {}
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    for line in lines:
        try:
            each = Outcome(**json.loads(line))
        except ValueError:
            continue
        before = found.get(each.name)
        if before is None or _worse(each, before):
            found[each.name] = each
    return list(found.values())


def _worse(one: Outcome, other: Outcome) -> bool:
    return OUTCOMES.index(one.outcome) > OUTCOMES.index(other.outcome)


def pytest_configure(config: Any) -> None:
    """Register the plugin, unless this is a worker: the main process reports all tests."""
    path = os.environ.get(FILE)
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Writer(Path(path)))


class _Writer:
    def __init__(self, path: Path) -> None:
        self.path = path

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when == "call" or report.outcome != "passed":
            self._write(report)

    def pytest_collectreport(self, report: Any) -> None:
        if report.outcome != "passed":
            self._write(report)

    def _write(self, report: Any) -> None:
        write(self.path, Outcome(report.nodeid, report.outcome, _why(report)))


def _why(report: Any) -> str:
    if report.outcome == "passed":
        return ""
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    lines = str(report.longreprtext).splitlines()
    errors = [line[1:].strip() for line in lines if line.startswith("E ")]
    return (errors or lines or ["no reason was given"])[0][:300]
