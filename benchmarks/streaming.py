"""Training on samples that are read from a disk: its speed and its memory.

::

    python -m benchmarks.streaming [--gigabytes 6] [--repeats 3] [--folder DIR] [--out FILE]

An `.npy` file of pixels is made, and case M is trained on it for one epoch, once after the
file's pages were dropped from the page cache (cold) and once with the file in it (warm). Beside
it stand the disk's own time, a plain read of the file into one small buffer, and the time that
the same steps take on samples in memory. Needs Linux, and 20 GB of free disk for the default
size.
"""

import argparse
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

import bpx
from benchmarks.cases import CASES, Case, network, problem
from benchmarks.machine import blas, environment
from benchmarks.report import heading, number, table, write

__all__ = ["Anonymous", "main", "make", "measure"]

FREE = 20e9
_STRIPE = 2**24


class Anonymous:
    """The largest anonymous memory of this process while the block runs, above the start."""

    def __init__(self) -> None:
        self.bytes, self._done = 0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Anonymous":
        self._start = _anonymous()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.01):
            self.bytes = max(self.bytes, _anonymous() - self._start)


def _anonymous() -> int:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(each.split()[1]) * 1024 for each in lines if each.startswith("RssAnon"))


def make(folder: Path, samples: int, case: Case) -> tuple[Path, Path]:
    """Write the pixels and the labels of that many samples, and return their paths."""
    x, y = folder / "x.npy", folder / "y.npy"
    rng, width = np.random.default_rng(0), case.sizes[0]
    stripe = rng.random((_STRIPE // (4 * width), width), dtype=np.float32)
    made = np.lib.format.open_memmap(x, "w+", np.float32, (samples, width))
    for begin in range(0, samples, len(stripe)):
        made[begin : begin + len(stripe)] = stripe[: samples - begin]
    made.flush()
    del made
    np.save(y, rng.integers(case.sizes[-1], size=samples))
    return x, y


def drop(path: Path) -> None:
    """Remove a file's pages from the page cache."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read(path: Path) -> float:
    """The seconds of a plain read from the beginning to the end."""
    into, began = memoryview(bytearray(2**22)), perf_counter()
    with path.open("rb", buffering=0) as file:
        while file.readinto(into):
            pass
    return perf_counter() - began


def measure(folder: Path, samples: int, case: Case, repeats: int) -> dict[str, Any]:
    """Take turns: the disk, cold, warm, resident."""
    x, y = make(folder, samples, case)
    own = problem(case)
    settings = {"batch_size": case.batch, "optimizer": bpx.Adam(case.eta), "seed": 0}

    def resident() -> float:
        history = network(case, 0, "numpy").fit(own.x, own.y, epochs=4, **settings)
        return samples / median(each.samples_per_second for each in list(history)[1:])

    def streamed() -> float:
        return (
            network(case, 0, "numpy")
            .fit(bpx.data.stream(x, y), epochs=1, **settings)[0]
            .seconds
        )

    turns: dict[str, Callable[[], float]] = {
        "disk": lambda: _cold(x, lambda: read(x)),
        "cold": lambda: _cold(x, streamed),
        "warm": lambda: _warm(x, streamed),
        "resident": resident,
    }
    resident()  # compiles
    seconds: dict[str, list[float]] = {name: [] for name in turns}
    with Anonymous() as seen:
        for _ in range(repeats):
            for name, turn in turns.items():
                seconds[name].append(turn())
    stream = bpx.data.stream(x, y)
    window = stream.rows_of_window(case.batch) * case.sizes[0] * 4
    return {"seconds": seconds, "anonymous": seen.bytes, "window": window}


def _cold(path: Path, run: Callable[[], float]) -> float:
    drop(path)
    return run()


def _warm(path: Path, run: Callable[[], float]) -> float:
    read(path)
    return run()


def show(found: dict[str, Any], size: float) -> str:
    """The table of seconds and ratios."""
    s = {name: median(each) for name, each in found["seconds"].items()}
    longer = max(s["disk"], s["resident"])
    rows = [
        ("the disk alone, cold", number(s["disk"]), f"{size / s['disk'] / 1e9:.2f} GB/s"),
        ("the same steps, samples in memory", number(s["resident"]), ""),
        ("bpx.data.stream, cold", number(s["cold"]), f"{s['cold'] / longer:.2f} × the longer"),
        (
            "bpx.data.stream, warm",
            number(s["warm"]),
            f"{s['resident'] / s['warm']:.0%} of its rate",
        ),
    ]
    memory = found["anonymous"] - found["window"]
    return (
        table(("", "s", ""), rows)
        + f"\n\nAnonymous memory above the model and one window: {memory / 1e6:.0f} MB"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    given, case = _options(arguments), CASES["M"]
    if given.gigabytes * 1e9 > 1e9 and shutil.disk_usage(given.folder).free < FREE:
        print(f"skipped: {given.folder} has less than {FREE / 1e9:.0f} GB of free disk")
        return
    samples = int(given.gigabytes * 1e9) // (4 * case.sizes[0])
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        found = measure(Path(folder), samples, case, given.repeats)
    facts = environment("numpy", "numba") | {"blas": blas()}
    print(heading(f"Training on {given.gigabytes:g} GB that are read from a disk", facts))
    print(f"{case}\n\n{show(found, given.gigabytes * 1e9)}")
    write(given.out, {"environment": facts, **found})


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streaming")
    parser.add_argument("--gigabytes", type=float, default=6.0)
    parser.add_argument("--repeats", type=int, default=3, help="number of rounds")
    parser.add_argument("--folder", default=tempfile.gettempdir(), metavar="DIR")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write JSON here")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
