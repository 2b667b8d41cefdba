"""What a search shows: what it does, a line for each trial, and a table at the end."""

from collections.abc import Mapping, Sequence
from typing import Any

from bpx.cli.tuning.search import Search
from bpx.cli.tuning.study import Result

__all__ = ["as_json", "best", "head", "line", "table"]

_MOST = 20
"""The trials in the table."""


def head(search: Search, folder: str, workers: int) -> str:
    """Return what is shown before a search."""
    shown = [f"search    {name}: {domain}" for name, domain in search.space.items()]
    more = "" if workers == 1 else f", by {workers} workers"
    return "\n".join(
        [
            *shown,
            f"best      {search.direction} the validation {search.objective}",
            f"by        {search.sampler}, pruner {search.pruner}, seed {search.seed}",
            f"trials    {search.trials}{more}",
            f"folder    {folder}",
        ]
    )


def line(search: Search, result: Result) -> str:
    """Return the line of a trial that has ended."""
    value = "" if result.value is None else f"  {search.objective} {_text(result.value)}"
    epoch = "" if result.epoch is None else f" (epoch {result.epoch})"
    ended = "" if result.state == "complete" else f"  {result.state}"
    why = "" if result.why is None else f": {result.why}"
    settings = ", ".join(f"{name} {_text(v)}" for name, v in result.values.items())
    return f"trial {result.number:>3}{value}{epoch}{ended}{why}  {settings}".rstrip()


def best(search: Search, results: Sequence[Result]) -> Result | None:
    """Return the first of the best trials that have come to their end."""
    complete = [each for each in results if each.state == "complete"]
    return min(complete, key=lambda each: _rank(search, each), default=None)


def table(search: Search, results: Sequence[Result]) -> str:
    """Return the trials as a table, the best first."""
    names = ["trial", search.objective, "epoch", "state", *search.space]
    ordered = sorted(results, key=lambda each: _rank(search, each))
    rows = [
        [
            str(each.number),
            "" if each.value is None else _text(each.value),
            "" if each.epoch is None else str(each.epoch),
            each.state,
            *(_text(each.values.get(name, "")) for name in search.space),
        ]
        for each in ordered[:_MOST]
    ]
    widths = [max(map(len, column)) for column in zip(names, *rows, strict=True)]
    lines = [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (names, *rows)
    ]
    if len(ordered) > _MOST:
        lines.append(f"and {len(ordered) - _MOST} more, which --json lists")
    return "\n".join(lines)


def as_json(search: Search, folder: str, results: Sequence[Result]) -> Mapping[str, Any]:
    """Return the search and its trials in types that JSON can hold."""
    first = best(search, results)
    return {
        "folder": folder,
        "objective": search.objective,
        "direction": search.direction,
        "best": None if first is None else first.number,
        "trials": [
            {**vars(each), "folder": None if each.folder is None else str(each.folder)}
            for each in results
        ],
    }


def _rank(search: Search, result: Result) -> tuple[bool, bool, float, int]:
    """What is complete comes first, then what is better."""
    value = 0.0 if result.value is None else result.value
    signed = value if search.direction == "minimize" else -value
    return result.state != "complete", result.value is None, signed, result.number


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
