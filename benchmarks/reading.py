"""The time to read a table of numbers, beside pandas and Polars.

::

    python -m benchmarks.reading [--rows 100000] [--columns 21] [--repeats 11]

All read the same file, in turns. The table shows medians, and the median of the ratios to
pandas within a round. Each reader returns an array of float32, except `read_table`, which
returns columns.
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.machine import environment
from benchmarks.report import band, heading, table, write

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    given = _options(arguments)
    facts = environment("numpy", "pandas", "polars", "pyarrow")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "numbers.csv"
        _write_table(path, given.rows, given.columns)
        times = _timed(_readers(path), given.repeats)
    print(heading(f"Reading {given.rows:,} rows of {given.columns} numbers", facts))
    print(table(("reader", "s: median [min, max]", "÷ pandas"), _rows(times)))
    write(given.out, {"environment": facts, "seconds": times})


def _readers(path: Path) -> dict[str, Callable[[], Any]]:
    import pandas

    import bpx

    readers = {
        "pandas.read_csv": lambda: pandas.read_csv(path).to_numpy(np.float32),
        "bpx.data.read": partial(bpx.data.read, path),
        "bpx.data.read_table": partial(bpx.data.read_table, path),
    }
    try:
        import polars
    except ImportError:
        return readers
    return {**readers, "polars.read_csv": lambda: polars.read_csv(path).to_numpy()}


def _timed(readers: dict[str, Callable[[], Any]], repeats: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in readers}
    for read in readers.values():
        read()  # imports what it needs, and fills the page cache
    for _ in range(repeats):
        for name, read in readers.items():
            began = perf_counter()
            read()
            times[name].append(perf_counter() - began)
    return times


def _rows(times: dict[str, list[float]]) -> list[tuple[str, str, str]]:
    base = times["pandas.read_csv"]
    return [
        (name, band(each, 3), f"{median(a / b for a, b in zip(each, base, strict=True)):.2f}")
        for name, each in times.items()
    ]


def _write_table(path: Path, rows: int, columns: int) -> None:
    values = np.random.default_rng(0).normal(size=(rows, columns)).astype(np.float32)
    head = ",".join(f"c{i}" for i in range(columns))
    np.savetxt(path, values, delimiter=",", fmt="%.7g", header=head, comments="")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reading")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--columns", type=int, default=21)
    parser.add_argument(
        "--repeats", type=int, default=11, help="number of rounds; 11 by default"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write JSON here")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
