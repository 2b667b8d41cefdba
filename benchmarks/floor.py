"""The floor below a training step: its matrix products alone, and its bytes over bandwidth.

The products are timed among the peers, with NumPy's BLAS on a CPU and as a CUDA graph of
PyTorch's on a GPU. The bytes are the ones that a step must move if it reads and writes every
array once (`benchmarks.footprint`). The bandwidth is that of a copy of the same number of bytes
on this machine, by one thread or by all, whichever is faster; if a step fits into the cache, it
is the cache's. A share near 1 means that an engine does little else; a share above 1 means that
its library multiplies faster than the library of the floor.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

import numpy as np

from benchmarks import cuda
from benchmarks.cases import Case
from benchmarks.clock import each
from benchmarks.footprint import footprint
from benchmarks.machine import cores
from benchmarks.peers import PRODUCTS
from benchmarks.report import number, table
from benchmarks.settings import Settings

__all__ = ["TITLE", "bandwidth", "measure", "show"]

TITLE = "The floor"
LEAST = {"cpu": 4096, "cuda": 2**28}  # bytes: a GPU is slower to start than to copy a few


def measure(
    settings: Settings, results: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every case's floor, and its share of each engine's step."""
    for case in settings.cases:
        times = results.get("training", {}).get(case.name, {}).get("microseconds", {})
        yield (
            case.name,
            _of(case, settings, {name: median(each) for name, each in times.items()}),
        )


def _of(case: Case, settings: Settings, medians: Mapping[str, float]) -> dict[str, Any]:
    moved = footprint(case).moved
    rate = bandwidth(moved, settings)
    floor = {"products": medians.get(PRODUCTS), "bytes": 1e6 * moved / rate}
    engines = {name: time for name, time in medians.items() if name.startswith("bpx ")}
    return {
        "bytes": moved,
        "bytes per second": rate,
        "microseconds": floor,
        "shares": {
            name: {what: below and below / time for what, below in floor.items()}
            for name, time in engines.items()
        },
    }


def bandwidth(moved: int, settings: Settings) -> float:
    """Bytes per second that a copy reads and writes, if it moves this many in all."""
    size = max(moved // 2, LEAST[settings.device])
    copies = [cuda.copier(size)] if settings.device == "cuda" else _host_copies(size)
    return 2 * size / min(each(copy, settings.timer, settings.window) for copy in copies)


def _host_copies(size: int) -> list[Callable[[], Any]]:
    """The copy by one thread, and by one thread per core."""
    source, target = np.ones(size, np.uint8), np.empty(size, np.uint8)
    sources, targets = (np.array_split(each, cores()) for each in (source, target))
    pool = ThreadPoolExecutor(cores())
    return [
        lambda: np.copyto(target, source),
        lambda: list(pool.map(np.copyto, targets, sources)),
    ]


def show(name: str, part: Mapping[str, Any]) -> str:
    """One case's floor, and its share of each engine's step."""
    moved, rate = part["bytes"] / 1e6, part["bytes per second"] / 1e9
    products, copying = (_told(part["microseconds"][what]) for what in ("products", "bytes"))
    about = (
        f"{name}: products alone {products} µs; {number(moved)} MB at {number(rate)} GB/s: "
        f"{copying} µs"
    )
    rows = [
        (engine, _told(share["products"]), _told(share["bytes"]))
        for engine, share in part["shares"].items()
    ]
    head = ("share of a step", PRODUCTS, "bytes over bandwidth")
    return f"{about}\n\n{table(head, rows)}" if rows else about


def _told(value: float | None) -> str:
    return "not measured" if value is None else number(value)
