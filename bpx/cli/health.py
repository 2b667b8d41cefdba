"""Show a network's health on the terminal."""

import sys

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bpx.inspect import Health, diagnose
from bpx.inspect.health.table import HEAD, cells

__all__ = ["show", "summary"]


def summary(health: Health) -> str:
    """Summarize the findings in a few words: ``lost outputs 2 5, saturated layer 1``."""
    words = []
    for finding in diagnose(health):
        lost = " ".join(map(str, finding.units))
        place = f"outputs {lost}" if finding.kind == "lost" else f"layer {finding.layer}"
        words.append(f"{finding.kind} {place}")
    return ", ".join(words) or "healthy"


def show(health: Health, console: Console | None = None) -> None:
    """Print the table and the findings, with rules on a terminal and plain in a log."""
    console = console or Console(highlight=False)
    if not (sys.stdout.isatty() or console.is_terminal):
        click.echo(f"\n{health}")
        return
    title = f"health on {health.samples:,} samples"
    table = Table(box=box.SIMPLE_HEAD, padding=0, title=title, title_justify="left")
    for name in HEAD:
        table.add_column(name, justify="left" if name == "activation" else "right")
    for each in cells(health):
        table.add_row(*each)
    console.print(table)
    findings = diagnose(health)
    for finding in findings:
        told = Text.assemble(("! ", "bold yellow"), finding.what, "; ", (finding.advice, "dim"))
        console.print(told)
    if not findings:
        console.print("no problem was found")
