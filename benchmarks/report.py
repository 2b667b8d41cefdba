"""What every benchmark prints and writes: Markdown tables, JSON, and the machine."""

import json
import os
import platform
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

__all__ = ["aligned", "band", "cores", "environment", "heading", "line", "table", "write"]

LIBRARIES = ("numpy", "torch", "jax", "jaxlib", "scikit-learn", "cupy", "numba")


def environment(*libraries: str) -> dict[str, Any]:
    """The date, the machine, and the versions of those libraries that are installed."""
    from bpx import __version__

    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "processor": _processor(),
        "cores": cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "bpx": __version__,
        **{name: found for name in libraries or LIBRARIES if (found := _version(name))},
    }


def heading(title: str, facts: dict[str, Any]) -> str:
    """A title, and the facts in one paragraph below it."""
    known = ", ".join(f"{key} {value}" for key, value in facts.items())
    return f"## {title}\n\n{known}\n"


def line(cells: Iterable[Any]) -> str:
    """One row of a Markdown table."""
    return f"| {' | '.join(map(str, cells))} |"


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table: the first column to the left, the others to the right."""
    return "\n".join([line(head), aligned(len(head)), *map(line, rows)])


def aligned(columns: int) -> str:
    """The line below a table's head."""
    return line(["---", *["---:"] * (columns - 1)])


def band(values: Sequence[float], digits: int) -> str:
    """Median [min, max]."""
    middle, low, high = (
        f"{value:,.{digits}f}" for value in (median(values), min(values), max(values))
    )
    return f"{middle} [{low}, {high}]"


def write(path: Path | None, results: Any) -> None:
    """The results as JSON, if a path was asked for."""
    if path is not None:
        path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def cores() -> int:
    """The cores that this process may use: the libraries' pools start with as many."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    info = Path("/proc/cpuinfo")  # Linux alone; platform.processor() is empty there
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    models = (text.partition(":")[2].strip() for text in lines if text.startswith("model name"))
    return next(models, platform.processor() or "unknown")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
