"""Peak memory: each peer trains two epochs in an interpreter of its own.

On a CPU this is the peak of the resident set, above what was resident after the imports and
before the data were made. So it includes the data, and whatever the library allocates at its
first work (pools, compilers, code). The target for bpx on NumPy is at most 1.15 × (data +
gradients + one batch's activations and deltas + 2 × (parameters + optimizer state)).
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from benchmarks import fresh
from benchmarks.cases import MNIST, Case
from benchmarks.footprint import footprint
from benchmarks.peers import Peer, trainers
from benchmarks.report import number, table
from benchmarks.rounds import of_each
from benchmarks.settings import Settings

__all__ = ["BOUNDED", "TITLE", "measure", "show"]

TITLE = "Peak memory"
BOUNDED = ("bpx numpy", "bpx numpy+numba")


def measure(
    settings: Settings, results: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """One case, with as many samples as MNIST has, or with its own number if that is larger."""
    case = settings.medium.lasting(MNIST)
    found = of_each(
        trainers(settings.peers), partial(_bytes, case=case, device=settings.device)
    )
    yield (
        case.name,
        {
            "about": str(case),
            "bytes": found.of,
            "bound": footprint(case).bound,
            "failed": found.failed,
        },
    )


def _bytes(peer: Peer, case: Case, device: str) -> int:
    return fresh.result("memory", peer, case, device)["bytes"]


def show(name: str, part: Mapping[str, Any]) -> str:
    """The table of the peers, and whether each stays below the bound."""
    bound = part["bound"]
    rows = [
        (peer, number(taken / 1e6), f"{taken / bound:.2f}", _kept(peer, taken, bound))
        for peer, taken in sorted(part["bytes"].items(), key=lambda item: item[1])
    ]
    head = ("", "MB", f"÷ {number(bound / 1e6)} MB", "at most that")
    return f"{part['about']}\n\n{table(head, rows)}"


def _kept(peer: str, taken: int, bound: float) -> str:
    if peer not in BOUNDED:
        return ""
    return "yes" if taken <= bound else "no"
