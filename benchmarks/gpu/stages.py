"""The stages: what each one runs, its time limit, and how its result is read."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.gpu.outcomes import FILE, Outcome, outcomes
from benchmarks.gpu.process import Ended, last_line, run

__all__ = ["DRY_MINUTES", "MINUTES", "Result", "Stage", "device", "result", "stages"]

ROOT = Path(__file__).parents[2]
MINUTES, DRY_MINUTES = 8.0, 60.0
"""The limit of all stages together; a dry run may be on a slow machine."""
CORE = (
    "tests/engines/cuda", "tests/engines/torch", "tests/engines/test_engines.py", "tests/ranked"
)  # fmt: skip
_WORKERS = 8
_PYTEST = (
    "-q", "-m", "gpu", "--dist", "worksteal", "--tb=short", "-p", "benchmarks.gpu.outcomes",
    "-p", "no:cacheprovider", "-p", "no:jaxtyping", "-p", "no:anyio",
)  # fmt: skip


class Result(NamedTuple):
    """The outcome of a stage.

    Attributes
    ----------
    outcome : {"passed", "failed", "skipped", "timed out", "not run"}
        ``"passed"`` if every part passes; ``"skipped"`` if a part is skipped and none fails.
    seconds : float
    parts : list of Outcome
    why : str
        Why it was stopped, or failed as a whole.
    found : dict
        The numbers that the stage produces.
    """

    outcome: str
    seconds: float = 0.0
    parts: list[Outcome] = []  # noqa: RUF012
    why: str = ""
    found: Mapping[str, Any] = {}

    def count(self, outcome: str) -> int:
        """How many parts have that outcome."""
        return sum(part.outcome == outcome for part in self.parts)


class Stage(NamedTuple):
    """A process.

    Attributes
    ----------
    name : str
    seconds : float
        Its limit.
    command : callable
        ``command(folder)``: the arguments of Python; the results go to `folder`.
    written : str
        The file of its results, in that folder.
    read : callable
        ``read(path)``: the parts and their results, as far as the stage got.
    variables : mapping
        Its environment variables.
    """

    name: str
    seconds: float
    command: Callable[[Path], list[str]]
    written: str
    read: Callable[[Path], tuple[list[Outcome], Mapping[str, Any]]]
    variables: Mapping[str, str] = {}


def device(folder: Path) -> tuple[Result, dict[str, Any]]:
    """The machine and its device, from a separate process: a library may hang, or crash."""
    stage = Stage(
        "device",
        40.0,
        lambda folder: ["-m", "benchmarks.gpu.device", str(folder / "device.json")],
        "device.json",
        lambda path: ([Outcome("device", "passed")], json.loads(path.read_text("utf-8"))),
    )
    found = result(stage, folder)
    if found.outcome != "passed":
        return found, {"problem": f"{found.outcome}: {found.why}"}
    return found._replace(found={}), dict(found.found)


def stages(dry: bool) -> Iterator[Stage]:
    """All stages after the first, in order."""
    for stage in _stages(dry):
        yield _patient(stage) if dry else stage


def _patient(stage: Stage) -> Stage:
    """For a busy CPU, on which the threads of a pool spin while they wait for one another."""
    variables = {**stage.variables, "OMP_NUM_THREADS": "1"}
    return stage._replace(seconds=60.0 * DRY_MINUTES, variables=variables)


def _stages(dry: bool) -> Iterator[Stage]:
    more = ["--dry-run"] * dry
    yield Stage(
        "smoke",
        70.0,
        lambda folder: ["-m", "benchmarks.gpu.smoke", str(folder / "smoke.jsonl"), *more],
        "smoke.jsonl",
        lambda path: (outcomes(path), {}),
    )
    yield _tests("tests of the engines", 110.0, _SMALL[:1] if dry else CORE)
    for case, seconds in (("S", 55.0), ("M", 55.0), ("L", 60.0)):
        yield _table(case, seconds, more)
    ignored = [f"--ignore={each}" for each in (*CORE, "tests/benchmarks")]
    yield _tests("all other tests", 85.0, _SMALL[1:] if dry else ("tests", *ignored))


_SMALL = ("tests/engines/torch/test_graphs.py", "tests/engines/cuda/test_on_gpu.py")
"""The tests that a dry run takes: without a GPU, they are skipped."""


def _tests(name: str, seconds: float, files: tuple[str, ...]) -> Stage:
    written = f"{name.replace(' ', '-')}.jsonl"

    def command(folder: Path) -> list[str]:
        workers = min(_WORKERS, os.cpu_count() or 1)
        return ["-m", "pytest", "-n", str(workers), *_PYTEST, *files]

    return Stage(
        name,
        seconds,
        command,
        written,
        lambda path: (outcomes(path), {}),
        # Autotuning many small products takes longer than all tests.
        {"XLA_FLAGS": "--xla_gpu_autotune_level=0", "OMP_NUM_THREADS": "2"},
    )


def _table(case: str, seconds: float, more: list[str]) -> Stage:
    place = f"table-{case}"

    def read(path: Path) -> tuple[list[Outcome], Mapping[str, Any]]:
        return _measured(json.loads(path.read_text("utf-8")) if path.exists() else {})

    return Stage(
        f"table, {case}",
        seconds,
        lambda folder: ["-m", "benchmarks.gpu.table", str(folder / place), case, *more],
        f"{place}/results.json",
        read,
    )


def _measured(results: Mapping[str, Any]) -> tuple[list[Outcome], Mapping[str, Any]]:
    """One part for each peer, and the numbers that `benchmarks.training` shows."""
    parts: list[Outcome] = []
    for case in results.get("training", {}).values():
        parts += [Outcome(peer, "passed") for peer in case["microseconds"]]
        parts += [Outcome(peer, "failed", why) for peer, why in case["failed"].items()]
    asked = ("not asked for", "not on the GPU", "not on the CPU")
    left_out = results.get("left out", {}).items()
    parts += [Outcome(peer, "skipped", why) for peer, why in left_out if why not in asked]
    return parts, results.get("training", {})


def result(stage: Stage, folder: Path, seconds: float | None = None) -> Result:
    """Run a stage within its time limit, and read its results."""
    log = folder / f"{stage.name.replace(' ', '-').replace(',', '')}.log"
    written = folder / stage.written
    written.unlink(missing_ok=True)  # an earlier run's
    variables = _environment(folder) | {FILE: str(written)} | dict(stage.variables)
    limit = stage.seconds if seconds is None else min(stage.seconds, seconds)
    ended = run([sys.executable, *stage.command(folder)], limit, log, variables)
    try:
        parts, found = stage.read(written)
    except (OSError, ValueError) as why:  # no file, or a partial one
        parts, found = [], {}
        if ended.code == 0:
            return Result("failed", ended.seconds, why=f"its results cannot be read: {why}")
    return _judged(ended, parts, found, log, limit)


def _judged(
    ended: Ended, parts: list[Outcome], found: Mapping[str, Any], log: Path, limit: float
) -> Result:
    kinds = {part.outcome for part in parts}
    if ended.code is None:
        why = f"ended after {limit:.0f} s; the last line of {log.name}: {last_line(log)}"
        return Result("timed out", ended.seconds, parts, why, found)
    if "failed" in kinds:
        return Result("failed", ended.seconds, parts, "", found)
    if ended.code or not parts:
        why = f"exit code {ended.code}; the last line of {log.name}: {last_line(log)}"
        return Result("failed", ended.seconds, parts, why, found)
    outcome = "skipped" if "skipped" in kinds else "passed"
    return Result(outcome, ended.seconds, parts, "", found)


def _environment(folder: Path) -> dict[str, str]:
    paths = [str(ROOT), str(ROOT / "backends"), os.environ.get("PYTHONPATH", "")]
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PYTHONUNBUFFERED": "1",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "CUPY_CACHE_DIR": str(folder / "cupy"),  # shared by the stages
    }
