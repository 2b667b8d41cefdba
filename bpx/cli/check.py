"""``bpx check``: check that the formulas of a part or a network are right."""

from typing import Any

import click

import bpx
from bpx.cli import options
from bpx.cli.targets import BUILT_IN, find
from bpx.inspect import Report

__all__ = ["check"]

_EXAMPLES = """\b
Examples:
  bpx check mish.py:mish
  bpx check package.module:make_network
  bpx check runs/first
  bpx check relu --backend torch
  bpx check
"""


@click.command(epilog=_EXAMPLES, short_help="Are the formulas of a part or a network right?")
@click.argument("target", required=False)
@click.option(
    "--tolerance",
    type=float,
    default=1e-6,
    show_default=True,
    help="The largest relative deviation that passes.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="The seed of the random points."
)
@options.saved_home
@click.pass_context
def check(
    ctx: click.Context, /, target: str | None, backend: str | None, **settings: Any
) -> None:
    """Compare every equation of TARGET with numerical derivatives.

    TARGET names a Python value, as file.py:name or package.module:name: an activation, a
    cost, a feedback, a network, or a function without arguments that returns one. It can also
    be a run's folder, a .safetensors file, or the name of a built-in part. Without TARGET, all
    built-in parts are checked.

    The exit code is 1 if an equation is wrong. The table shows which one, in which layer, and
    by how much.
    """
    if target is not None:
        report = bpx.inspect.check(find(target, backend), backend=backend, **settings)
        click.echo(str(report))
        ctx.exit(0 if report.ok else 1)
    right = True
    for kind, names in BUILT_IN.items():
        for name in names:
            report = bpx.inspect.check(name, backend=backend, **settings)
            click.echo(_line(kind, name, report))
            right = right and report.ok
    ctx.exit(0 if right else 1)


def _line(kind: str, name: str, report: Report) -> str:
    if not report.ok:
        return str(report)
    deviations = [row.deviation for row in report.rows if row.deviation is not None]
    largest = f", largest deviation {max(deviations):.1e}" if deviations else ""
    return f"ok  {kind:<10}  {name:<25}  {len(report.rows)} checks{largest}"
