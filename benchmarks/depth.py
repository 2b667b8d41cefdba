"""``python -m benchmarks.depth``: how the first step, and each later one, grow with the depth.

::

    python -m benchmarks.depth [--depths 10 50 100 200 400] [--repeats 3] [--out FILE]

20-[32]×L-2 is trained with Adam on mini-batches of 64, on NumPy without numba and with it. Each
training has a process of its own, with one thread; with numba, the first one of each depth
finds an empty cache (cold), and the later ones find what it compiled (cached). The first step
comes after all imports, those of numba included. All times are seconds of the processor. The
table shows medians over the processes; the last column is the time of a step for each layer,
over that at the first depth.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.machine import busy, environment
from benchmarks.report import heading, number, table, write

__all__ = ["DEPTHS", "main", "measure", "show"]

DEPTHS = (10, 50, 100, 200, 400)
STEPS = 4000
"""The layers times the steps of an epoch, if these are not too few."""
LEAST = 100
EPOCHS = 5
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
ROOT = Path(__file__).parents[1]

Run = Mapping[str, Any]
"""What a process measured: see `benchmarks.children.depth`."""


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    options = _options(arguments)
    facts = environment("numpy", "numba")
    print(heading("Depth", facts), flush=True)
    found = {depth: measure(depth, options.repeats) for depth in options.depths}
    print(f"{show(found)}\n\nload {busy()}")
    write(options.out, {"environment": facts, "depths": found})


def measure(depth: int, repeats: int) -> dict[str, list[Run]]:
    """The runs of one depth: without numba, cold, and cached."""
    with TemporaryDirectory() as cache:
        return {
            "without": [_run(depth, False, cache) for _ in range(repeats)],
            "cold": [_run(depth, True, cache)],
            "cached": [_run(depth, True, cache) for _ in range(repeats)],
        }


def _run(depth: int, numba: bool, cache: str) -> Run:
    """Train in a fresh process."""
    settings = {"BPX_NUMBA": "on" if numba else "off", "BPX_CACHE": cache}
    steps = max(LEAST, STEPS // depth)
    job = {"depth": depth, "steps": steps, "epochs": EPOCHS, "numba": numba}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.children.depth"],
        input=json.dumps(job),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, **dict.fromkeys(THREADS, "1"), **settings},
    )
    found: Run = json.loads(done.stdout.splitlines()[-1])
    return found


def show(found: Mapping[int, Mapping[str, Sequence[Run]]]) -> str:
    """The table of the depths."""
    head = (
        *("layers", "first step without numba: s", "with numba, cold", "cached"),
        *("µs a step without numba", "with numba", "per layer ÷ the first, without", "with"),
    )
    rows, firsts = [], dict[str, float]()
    for depth, runs in found.items():
        starts = [_middle(runs[kind], "first") for kind in ("without", "cold", "cached")]
        steps = {kind: _middle(runs[kind], "microseconds") for kind in ("without", "cached")}
        ratios = [
            each / depth / firsts.setdefault(kind, each / depth) for kind, each in steps.items()
        ]
        told = *map(number, starts), *map(number, steps.values())
        rows.append((str(depth), *told, *(f"{each:.2f}" for each in ratios)))
    return table(head, rows)


def _middle(runs: Sequence[Run], name: str) -> float:
    return median(each[name] for each in runs)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("benchmarks.depth", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--depths", type=int, nargs="+", default=DEPTHS, help="numbers of hidden layers"
    )
    parser.add_argument(
        "--repeats", type=int, default=3, help="processes of each kind; 3 by default"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write JSON here")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
