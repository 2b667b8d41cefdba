"""The metrics that a command is asked for: the option, and how they are shown and written."""

from collections.abc import Sequence
from typing import Any

import click

import bpx
from bpx.metrics import METRICS, check_metrics

__all__ = ["lines", "option", "words"]


def _names(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...]:
    """``f1,roc_auc`` as ``("f1", "roc_auc")``, after checking the names."""
    given = "" if value in (None, "none") else str(value)
    names = tuple(each.strip() for each in given.split(",")) if given else ()
    check_metrics(names)
    return names


option = click.option(
    "--metrics",
    callback=_names,
    metavar="NAMES",
    help=f"Further measures, separated by commas: {', '.join(METRICS)}.  [default: none]",
)
"""``--metrics f1,roc_auc``, as a tuple of names."""


def words(result: bpx.Evaluation) -> list[str]:
    """Return the metrics that are numbers, as texts for one line."""
    return [
        f"{name} {value:#.4g}" for name, value in result.metrics.items() if _is_number(name)
    ]


def lines(result: bpx.Evaluation, classes: Sequence[str] = ()) -> list[str]:
    """Return a line for each number, and lines for a matrix, whose rows `classes` name."""
    text, width = [], max(map(len, ("accuracy", *result.metrics)))
    for name, value in result.metrics.items():
        if _is_number(name):
            text.append(f"{name:<{width}}  {value:#.4g}")
        else:
            text += [f"{name}: classes in rows, answers in columns", *_matrix(value, classes)]
    return text


def _matrix(values: Any, classes: Sequence[str]) -> list[str]:
    heads = [*classes] or [str(i) for i in range(len(values))]
    rows = [[f"{each:g}" for each in line] for line in values.tolist()]
    width = max(len(each) for line in rows for each in line)
    first = max(map(len, heads))
    return [
        "  ".join([f"  {head:<{first}}", *(f"{each:>{width}}" for each in line)])
        for head, line in zip(heads, rows, strict=True)
    ]


def _is_number(name: str) -> bool:
    return getattr(METRICS[name], "number", True)
