"""Make faults on purpose, and see whether the tests notice them.

::

    python -m tools.mutate [--files PATH ...] [--tests PATH ...]
                           [--count N] [--seed N] [--jobs N]

This draws places in the source, changes one at a time, and runs the tests of the changed file:
the test file of the same name, then the files given. A mutation is **caught** if a test fails
or the tests take far longer than usual, and **lives** if all pass; those that live are printed.
Each is made in a copy of the tree. `tools/mutations.py` lists the possible changes.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from time import monotonic
from typing import NamedTuple

from tools.mirror import mirror
from tools.mutations import Mutation, diff, find_mutations, mutated

__all__ = ["Drawn", "draw", "main"]

LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "runs", "_build")
LIMIT = 3.0  # times the tests' duration without a mutation
SLACK = 30.0  # additional seconds
FAILED = (1, 2)  # pytest's status if a test fails or a test file cannot be imported


class Drawn(NamedTuple):
    """A mutation of a file, with the file's path relative to the root."""

    file: str
    change: Mutation


class TestsFailError(Exception):
    """The tests fail even without a mutation, so they cannot catch one."""


def draw(root: Path, paths: Iterable[str], count: int, seed: int) -> list[Drawn]:
    """Draw `count` mutations of the files at some paths, or all if there are fewer."""
    found = [
        Drawn(file, change)
        for file in _files(root, paths)
        for change in find_mutations((root / file).read_text(encoding="utf-8"))
    ]
    return sorted(random.Random(seed).sample(found, min(count, len(found))))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    options = _options(arguments)
    root: Path = options.root
    drawn = draw(root, options.files, options.count, options.seed)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.jobs) as pool:
        trees = _Trees(root, Path(folder), options.jobs)
        stages = {file: _stages(root, file, options.tests) for file in {d.file for d in drawn}}
        each = sorted({stage for found in stages.values() for stage in found})
        try:
            limits = dict(zip(each, pool.map(trees.limit, each), strict=True))
        except TestsFailError as error:
            print(error, file=sys.stderr)
            return 1
        caught = pool.map(
            lambda d: trees.catches(d, [(stage, limits[stage]) for stage in stages[d.file]]),
            drawn,
        )
        total = 0
        for mutation, noticed in zip(drawn, caught, strict=True):
            total += noticed
            if not noticed:
                source = (root / mutation.file).read_text(encoding="utf-8")
                print(diff(mutation.file, source, mutation.change), "\n", flush=True)
    print(f"{total} of {len(drawn)} mutations caught")
    return 0


Stage = tuple[str, ...]  # files of tests that run together


class _Trees:
    """Copies of the tree, one for each job."""

    def __init__(self, root: Path, folder: Path, jobs: int):
        self.free: SimpleQueue[Path] = SimpleQueue()
        for n in range(jobs):
            self.free.put(shutil.copytree(root, folder / str(n), ignore=LEFT_OUT))

    @contextmanager
    def one(self) -> Iterator[Path]:
        tree = self.free.get()
        try:
            yield tree
        finally:
            self.free.put(tree)

    def limit(self, stage: Stage) -> float:
        """The seconds that the tests of a stage may take."""
        with self.one() as tree:
            start = monotonic()
            if _fail(tree, stage, None):
                raise TestsFailError(
                    f"{' '.join(stage)} fails without a mutation; expected tests that pass"
                )
            return SLACK + LIMIT * (monotonic() - start)

    def catches(self, drawn: Drawn, stages: Iterable[tuple[Stage, float]]) -> bool:
        """Whether any of the tests fail with a mutation."""
        with self.one() as tree:
            path = tree / drawn.file
            source = path.read_text(encoding="utf-8")
            path.write_text(mutated(source, drawn.change), encoding="utf-8")
            try:
                return any(_fail(tree, stage, limit) for stage, limit in stages)
            finally:
                path.write_text(source, encoding="utf-8")


def _fail(tree: Path, stage: Stage, limit: float | None) -> bool:
    """Whether tests fail, or run past a limit."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *stage]
    # No bytecode: Python matches it by size and second, and a mutation may change neither.
    there = {
        "PYTHONPATH": f"{tree}{os.pathsep}{tree / 'backends'}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    run = subprocess.Popen(
        command,
        cwd=tree,
        env=os.environ | there,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return run.wait(limit) in FAILED
    except subprocess.TimeoutExpired:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        return True


def _files(root: Path, paths: Iterable[str]) -> list[str]:
    """The Python files at and below some paths, except those that only gather names."""
    found = {
        file.relative_to(root).as_posix()
        for path in paths
        for file in ((root / path).rglob("*.py") if (root / path).is_dir() else [root / path])
        if file.name != "__init__.py"
    }
    return sorted(found)


def _stages(root: Path, file: str, tests: Sequence[str]) -> list[Stage]:
    """The tests to run one after another: the file's own, and those given."""
    own = f"tests/{mirror(Path(file))}"
    return [stage for stage in ((own,) * (root / own).is_file(), tuple(tests)) if stage]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("tools.mutate", description=(__doc__ or "").split("\n")[0])
    add = parser.add_argument
    add("--files", nargs="+", default=["bpx"], help="what is changed: files and folders; bpx")
    add("--count", type=int, default=20, help="how many changes are drawn; 20")
    add("--seed", type=int, default=0, help="of the draw; 0")
    add("--jobs", type=int, default=1, help="how many are tried at a time; 1")
    add("--tests", nargs="+", default=[], help="to be run after a file's own tests")
    add("--root", type=Path, default=Path(), help="the repository; here")
    options = parser.parse_args(arguments)
    missing = [p for p in (*options.files, *options.tests) if not (options.root / p).exists()]
    if missing:
        parser.error(
            f"{', '.join(missing)}: not there; give paths from {options.root.resolve()}"
        )
    return options


if __name__ == "__main__":
    sys.exit(main())
