"""A `Health` as a table of plain text, with its findings."""

from collections.abc import Callable, Sequence

from bpx.inspect.health.diagnosis import diagnose
from bpx.inspect.health.fields import HealthFields

__all__ = ["HEAD", "cells", "report", "table"]

HEAD = (
    "layer",
    "units",
    "activation",
    "‖delta‖",
    "÷ last",
    "‖dC/db‖",
    "saturated",
    "dead",
    "quiet",
    "‖Δw‖/‖w‖",
)


def cells(health: HealthFields) -> list[tuple[str, ...]]:
    """Return one row for each layer, under `HEAD`."""
    return [_row(health, i) for i in range(len(health.errors))]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Format columns of text, the third left-aligned and the others right-aligned."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return "\n".join(
        "  ".join(_placed(i, cell, widths[i]) for i, cell in enumerate(row)).rstrip()
        for row in (head, *rows)
    )


def report(health: HealthFields) -> str:
    """Format the table, with a line for each finding below it."""
    findings = diagnose(health)
    told = [f"- {finding}" for finding in findings] or ["no problem was found"]
    head = f"health on {health.samples:,} samples"
    return "\n".join([head, "", table(HEAD, cells(health)), "", *told])


def _row(health: HealthFields, i: int) -> tuple[str, ...]:
    last = health.errors[-1]
    return (
        str(i + 1),
        str(health.sizes[i + 1]),
        health.activations[i],
        f"{health.errors[i]:.2g}",
        _or_dash(health.errors[i] / last if last > 0.0 else None, "{:.2g}".format),
        f"{health.speeds[i]:.2g}",
        _or_dash(health.saturated[i], "{:.0%}".format),
        str(len(health.dead[i])),
        str(len(health.quiet[i])),
        _or_dash(health.updates[i] if health.updates else None, "{:.1e}".format),
    )


def _or_dash(number: float | None, write: Callable[[float], str]) -> str:
    return "-" if number is None else write(number)


def _placed(column: int, cell: str, width: int) -> str:
    return cell.ljust(width) if HEAD[column] == "activation" else cell.rjust(width)
