"""Seconds to the first step: from nothing to a network that has trained on one mini-batch.

Each peer runs in a fresh interpreter, on the samples of one mini-batch. The imports are timed
separately from everything that follows until the first step has finished: moving the data,
compiling, starting pools. Libraries may keep compiled code on disk: the first run finds an
empty cache (cold), and later runs find the results of the first (warm).
"""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import fresh
from benchmarks.cases import Case
from benchmarks.machine import busy
from benchmarks.peers import Peer, trainers
from benchmarks.report import band, number, table
from benchmarks.rounds import of_each
from benchmarks.settings import Settings

__all__ = ["STARTS", "TITLE", "measure", "show"]

TITLE = "Time to the first step"
STARTS = 3  # warm ones, at most

CACHES = (
    "BPX_CACHE",
    "NUMBA_CACHE_DIR",
    "TORCHINDUCTOR_CACHE_DIR",
    "TRITON_CACHE_DIR",
    "CUPY_CACHE_DIR",
)


def measure(
    settings: Settings, results: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """One case, one mini-batch."""
    case = settings.medium.lasting(settings.medium.batch)
    starts = partial(
        _starts, case=case, device=settings.device, warm=min(settings.repeats, STARTS)
    )
    found = of_each(trainers(settings.peers), starts)
    yield (
        case.name,
        {
            "about": str(case),
            "load": busy(),
            "seconds": found.of,
            "failed": found.failed,
        },
    )


def _starts(peer: Peer, case: Case, device: str, warm: int) -> dict[str, Any]:
    """The first start, cold, and the later ones."""
    with TemporaryDirectory() as folder:
        places = {name: str(Path(folder, name.lower())) for name in CACHES}
        one = partial(fresh.result, "first_step", peer, case, device, places)
        return {"cold": one(), "warm": [one() for _ in range(warm)]}


def show(name: str, part: Mapping[str, Any]) -> str:
    """The table of the peers."""
    rows = [
        (peer, number(each["cold"]["step"]), *_warm(each["warm"]))
        for peer, each in sorted(part["seconds"].items(), key=_middle)
    ]
    head = ("", "cold: s", "warm: median [min, max]", "warm, with the imports")
    return f"{part['about']}; load {part['load']}\n\n{table(head, rows)}"


def _warm(starts: list[dict[str, float]]) -> tuple[str, str]:
    steps = [start["step"] for start in starts]
    return band(steps), band([start["imports"] + start["step"] for start in starts])


def _middle(item: tuple[str, Any]) -> float:
    return median(start["step"] for start in item[1]["warm"])
