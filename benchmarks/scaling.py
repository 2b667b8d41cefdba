"""Two ranks beside one, and beside PyTorch's DistributedDataParallel, on one machine.

::

    python -m benchmarks.scaling [--cases 1024,M] [--grid] [--repeats 5] [--out FILE]

Each measurement is a job of its own, with one BLAS thread for each rank, and they take turns.
bpx trains on NumPy with numba under MPI, PyTorch by DistributedDataParallel over gloo, as its
users write it, with its buckets of 25 MB; bpx exchanges the rows of large matrices, each in a
message, and adds all else in another. All train the same network on the same mini-batches. The
tables have medians over the rounds, of the microseconds for a step by the wall clock, and the
ratios of these medians with the bootstrapped 95 % interval of the ratios within the rounds. A
job of its own, with a barrier before each message, divides a step into what is computed, the
wait for the slower rank, and the messages.
``--grid`` measures networks of two equal hidden layers in several widths, with several batch
sizes, to see from where on a second rank pays.

The program needs two cores that have nothing else to do.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.cases import CASES, Case
from benchmarks.command import some
from benchmarks.report import band, heading, table, write
from benchmarks.rounds import Times, in_turn, interval, ratio, ratios

__all__ = ["ASKED", "GRID", "main", "measure", "rows"]

ROOT = Path(__file__).parents[1]
LIMIT = 900  # seconds
WIDE = CASES["M"]._replace(name="1024", sizes=(784, 1024, 1024, 10), batch=256, samples=12_800)
NETWORKS = {"1024": WIDE, "M": CASES["M"]}
ASKED = {"1024": 1.6, "M": 1.35}
"""How many times as fast two ranks must be as one."""
SHARE = 0.10
"""The most of a step that the messages may take, in the first of these networks."""
BESIDE = 1.3
"""How many times as fast two ranks must be as two of PyTorch's, there."""
GRID = tuple((k, batch) for k in (64, 128, 256, 512, 1024) for batch in (64, 256, 1024))
"""The widths and batch sizes of ``--grid``."""

ONE, TWO, DDP, TORCH = "bpx, 1 rank", "bpx, 2 ranks", "DDP, 2 ranks", "PyTorch, 1 process"
_ALONE = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "BPX_NUMBA": "on",
}


def job(way: str, case: Case) -> dict[str, Any]:
    """Run a job, and return what its first rank printed."""
    words = [sys.executable, "-m", "benchmarks.children.scaling"]
    beside = str(Path(sys.executable).with_name("mpiexec"))
    mpiexec = beside if Path(beside).exists() else "mpiexec"
    ranks = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    start = {
        ONE: [mpiexec, "-n", "1", *words, "bpx"],
        TWO: [mpiexec, "-n", "2", *words, "bpx"],
        "split": [mpiexec, "-n", "2", *words, "split"],
        DDP: [*ranks, "--nproc-per-node=2", "-m", *words[2:], "torch"],
        TORCH: [*words, "torch"],
    }[way]
    done = subprocess.run(
        [*start, json.dumps(case)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **_ALONE},
        timeout=LIMIT,
    )
    if done.returncode:
        raise SystemExit(f"{way} of {case.name} failed:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(case: Case, repeats: int, ways: Sequence[str]) -> dict[str, Any]:
    """Microseconds a step in each way, one for each round, and the parts of a step."""
    load = machine.busy()
    runs = {way: partial(job, way, case) for way in ways}
    times = in_turn(runs, repeats, lambda run: float(run()["step"]))
    return {
        "about": str(case),
        "load": load,
        "microseconds": times,
        "parts": job("split", case),
    }


def rows(name: str, found: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield a row for each comparison with two ranks of bpx."""
    times: Times = found["microseconds"]
    asked = {ONE: ASKED.get(name), DDP: BESIDE if name == "1024" else None}
    for other in (each for each in (ONE, DDP, TORCH) if each in times):
        faster, (low, high) = ratio(times, other, TWO), interval(ratios(times, other, TWO))
        least = asked.get(other)
        shown = "" if least is None else f"{least}"
        met = "" if least is None else "yes" if faster >= least else "no"
        yield (
            *(name, other, band(times[other]), band(times[TWO])),
            *(
                f"{faster:.2f} [{low:.2f}, {high:.2f}]",
                shown,
                met,
            ),
        )


def _parts(found: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, each in found.items():
        parts = each["parts"]
        whole = sum(parts[part] for part in ("computed", "waited", "summed"))
        shares = (parts[part] / whole for part in ("computed", "waited", "summed"))
        yield name, f"{whole:,.0f}", *(f"{100.0 * share:.0f} %" for share in shares)


def _show(found: Mapping[str, Any]) -> str:
    head = ("network", "beside", "µs / step", "2 ranks of bpx: µs / step", "times as fast")
    lines = [row for name, each in found.items() for row in rows(name, each)]
    split = ("network", "µs / step, with barriers", "computed", "waited", "summed")
    tables = table((*head, "at least", "met"), lines), table(split, _parts(found))
    return "\n\n".join(tables)


def _grid(repeats: int) -> dict[str, Any]:
    found = {}
    for k, batch in GRID:
        case = CASES["M"]._replace(name=f"{k}, {batch}", sizes=(784, k, k, 10), batch=batch)
        found[case.name] = measure(case.lasting(12_800), repeats, (ONE, TWO))
    return found


def _show_grid(found: Mapping[str, Any]) -> str:
    widths, sizes = (sorted({pair[i] for pair in GRID}) for i in (0, 1))

    def cell(k: int, batch: int) -> str:
        times = found[f"{k}, {batch}"]["microseconds"]
        return f"{ratio(times, ONE, TWO):.2f}"

    head = ("hidden layers", *(f"batch {batch}" for batch in sizes))
    return table(head, [(f"2 × {k}", *(cell(k, batch) for batch in sizes)) for k in widths])


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    given = _options(arguments)
    facts = machine.environment("numpy", "numba", "torch", "mpi4py", "mpich")
    print(heading("Two ranks", facts), flush=True)
    found: dict[str, Any] = {}
    for name in given.cases:
        found[name] = measure(NETWORKS[name], given.repeats, (ONE, TWO, DDP, TORCH))
        print(f"{found[name]['about']}; load {found[name]['load']}\n", flush=True)
        write(given.out, {"environment": facts, "cases": found})
    if found:
        print(_show(found), flush=True)
    if given.grid:
        grid = _grid(given.repeats)
        write(given.out, {"environment": facts, "cases": found, "grid": grid})
        print("\n" + _show_grid(grid))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("benchmarks.scaling", description=__doc__.split("\n")[0])
    names = ", ".join(NETWORKS)
    parser.add_argument(
        "--cases",
        type=some(list(NETWORKS)),
        default=list(NETWORKS),
        metavar="NAME,NAME",
        help=f"networks to train, from {names}; all by default",
    )
    parser.add_argument("--grid", action="store_true", help="several widths and batch sizes")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, help="a JSON file for the results")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
