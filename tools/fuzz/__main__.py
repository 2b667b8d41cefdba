"""Read thousands of changed files of each format that a stranger may send.

::

    python -m tools.fuzz [--formats NAMES] [--count N] [--seed N] [--jobs N]
    python -m tools.fuzz --formats toml --keep 4711 FILE    write one of these files

Each file is a valid one that is changed: bits, lengths, numbers, names, deep nesting, parts of
other files. A process of its own reads it. The file must be refused with an error of bpx, or
give a right result, within 20 seconds and in ten times its own size and 64 MB of memory; no
code may run because of it, and the process may not crash. See `tools.fuzz.formats`.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import NamedTuple

__all__ = ["main"]

_ALONE = {"BPX_NUMBA": "off", "BPX_BACKEND": "numpy", "OMP_NUM_THREADS": "1"}
_ALONE["MALLOC_ARENA_MAX"] = "1"  # of the watchdog: a second one would take 64 MB of addresses
_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class Task(NamedTuple):
    """The files of a format that one process after another reads."""

    format: str
    seed: int
    start: int
    stop: int


def outcomes(task: Task) -> Iterator[tuple[str, str]]:
    """Yield the number of each file and its outcome; a process that ends early is replaced."""
    start = task.start
    while start < task.stop:
        with tempfile.TemporaryDirectory(dir=_MEMORY) as folder:
            words = [sys.executable, "-m", "tools.fuzz", "--child", folder]
            words += [task.format, *map(str, (task.seed, start, task.stop))]
            ran = subprocess.run(
                words, env={**os.environ, **_ALONE}, capture_output=True, text=True
            )
        lines = [line.partition(" ") for line in ran.stdout.splitlines()]
        yield from ((number, told) for number, _, told in lines[1:])
        start = max((int(n) + 1 for n, _, _ in lines[1:]), default=start)
        if not lines:
            raise SystemExit(f"{task.format} cannot be read at all:\n{ran.stderr}")
        if start < task.stop:
            yield str(start), f"wrong: the process ended ({ran.returncode}) {_last(ran.stderr)}"
            start += 1


def _last(stderr: str) -> str:
    """Return where a process hung or crashed, or its error."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    shown = [line for line in lines if line.startswith("File ")][:4] or lines[-1:]
    return " < ".join(["hang" if "Timeout" in stderr else "", *shown]).strip(" <")


def checked(name: str, options: argparse.Namespace) -> int:
    """Read the files of a format; print how many were read, refused and wrong."""
    began, counts = monotonic(), Counter[str]()
    size = -(-options.count // options.jobs)
    tasks = [
        Task(name, options.seed, start, min(start + size, options.count))
        for start in range(0, options.count, size)
    ]
    with ThreadPoolExecutor(options.jobs) as pool:
        for found in pool.map(lambda task: list(outcomes(task)), tasks):
            for number, told in found:
                kind = told.partition(":")[0]
                counts[kind] += 1
                if kind == "wrong":
                    print(f"{name} {number}: {told}", flush=True)
    print(
        f"{name}: {counts['refused']} refused, {counts['read']} read and right, "
        f"{counts['wrong']} wrong, {monotonic() - began:.0f} s",
        flush=True,
    )
    whole = counts["refused"] + counts["read"] == options.count
    return int(counts["wrong"] > 0 or not whole)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    options = _options(arguments)
    if options.child:
        from tools.fuzz.child import read_all

        folder, name, seed, start, stop = options.child
        read_all(name, int(seed), int(start), int(stop), Path(folder))
        return 0
    from tools.fuzz.formats import FORMATS

    names = options.formats.split(",") if options.formats else list(FORMATS)
    if unknown := set(names) - set(FORMATS):
        raise SystemExit(f"there is no format {unknown.pop()}; known: {', '.join(FORMATS)}")
    if options.keep:
        from tools.fuzz.child import made

        with tempfile.TemporaryDirectory(dir=_MEMORY) as place:
            seeds = FORMATS[names[0]].seeds(Path(place))
        number, file = options.keep
        Path(file).write_bytes(made(FORMATS[names[0]], seeds, options.seed, int(number)))
        return 0
    return max([checked(name, options) for name in names])


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tools.fuzz",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--formats", help="their names, separated by commas; all by default")
    parser.add_argument("--count", type=int, default=10_000, help="files of each format")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--keep", nargs=2, metavar=("NUMBER", "FILE"), help="write a file")
    parser.add_argument("--child", nargs=5, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
