"""The time of ``import bpx`` beside that of ``import numpy``, which bpx needs.

::

    python -m benchmarks.imports [--repeats 15]

Each import runs in a fresh interpreter, which times it; the two take turns, and the table
shows medians. If bpx misses its target, ``-X importtime`` names the modules that take the most
time (each without its own imports).
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.machine import environment
from benchmarks.report import band, heading, table, write

__all__ = ["Module", "largest", "main", "parse", "seconds"]

ASKED = 0.15
CLOCK = "from time import perf_counter as t; b = t(); import {}; print(t() - b)"


class Module(NamedTuple):
    """A module, and the milliseconds that it takes without its own imports."""

    name: str
    milliseconds: float


def seconds(module: str) -> float:
    """How long a fresh interpreter takes to import a module."""
    code = CLOCK.format(module)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def largest(module: str, count: int = 12) -> list[Module]:
    """The modules that take the most time when a fresh interpreter imports `module`."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", f"import {module}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return sorted(parse(done.stderr), key=lambda each: -each.milliseconds)[:count]


def parse(importtime: str) -> list[Module]:
    """The lines ``import time: self [us] | cumulative | name``."""
    rows = [
        text.removeprefix("import time:").split("|")
        for text in importtime.splitlines()
        if text.startswith("import time:")
    ]
    return [
        Module(name.strip(), int(own) / 1000) for own, _, name in rows if own.strip().isdigit()
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    options = _options(arguments)
    facts = environment("numpy", "array-api-compat", "safetensors")
    print(heading("Import", facts))
    for name in ("numpy", "bpx"):
        seconds(name)  # writes the bytecode and fills the page cache
    times = {"numpy": [], "bpx": []}
    for _ in range(options.repeats):
        for name, values in times.items():
            values.append(seconds(name))
    more = [ours - theirs for ours, theirs in zip(times["bpx"], times["numpy"], strict=True)]
    rows = [(f"import {name}", band(values, 3)) for name, values in times.items()]
    print(table(("", "s: median [min, max]"), [*rows, ("more", band(more, 3))]))
    print(f"\ntarget: under {ASKED} s more; met: {'yes' if median(more) < ASKED else 'no'}")
    if median(more) >= ASKED or options.modules:
        named = [(each.name, f"{each.milliseconds:.1f}") for each in largest("bpx")]
        print("\n" + table(("module", "ms by itself"), named))
    write(options.out, {"environment": facts, "seconds": times})


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("benchmarks.imports", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--repeats", type=int, default=15, help="repeats of each import; 15 by default"
    )
    parser.add_argument(
        "--modules", action="store_true", help="always name the slowest modules"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write JSON here")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
