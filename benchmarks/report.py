"""Output of every benchmark: Markdown tables, and JSON."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

__all__ = ["aligned", "band", "heading", "line", "number", "table", "write"]


def heading(title: str, facts: Mapping[str, Any]) -> str:
    """A title, and the facts in one paragraph below it."""
    known = ", ".join(f"{key} {value}" for key, value in facts.items())
    return f"## {title}\n\n{known}\n"


def line(cells: Iterable[Any]) -> str:
    """One row of a Markdown table."""
    return f"| {' | '.join(map(str, cells))} |"


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table: the first column is aligned left, the others right."""
    return "\n".join([line(head), aligned(len(head)), *map(line, rows)])


def aligned(columns: int) -> str:
    """The line below a table's head."""
    return line(["---", *["---:"] * (columns - 1)])


def band(values: Sequence[float], digits: int | None = None) -> str:
    """Median [min, max], with the digits that `number` uses for the median unless given."""
    middle = median(values)
    digits = _digits(middle) if digits is None else digits
    low, high = min(values), max(values)
    return f"{middle:,.{digits}f} [{low:,.{digits}f}, {high:,.{digits}f}]"


def number(value: float) -> str:
    """A number with three significant digits, or more before the point."""
    return f"{value:,.{_digits(value)}f}"


def _digits(value: float) -> int:
    return 0 if value >= 1000 else 1 if value >= 10 else 2


def write(path: Path | None, results: Any) -> None:
    """Write the results as JSON, if a path is given."""
    if path is not None:
        path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
