"""``bpx launch``: start a command, or a script, on several ranks."""

import click

from bpx.cli import launching
from bpx.cli.group import ALONE

__all__ = ["launch"]

_EXAMPLES = """\b
Examples:
  bpx launch -n 4 -- train mnist --batch-size 256
  bpx launch -n 4 --restarts 3 -- train mnist --out runs/first
  bpx launch -n 2 -- python train.py
"""


@click.command(epilog=_EXAMPLES)
@click.option(
    "-n",
    "ranks",
    type=click.IntRange(min=1),
    required=True,
    help="How many processes train together.",
)
@click.option(
    "--restarts",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="How often to begin again if a process dies: a run continues from its newest "
    "checkpoint.",
)
@click.option(
    "--mpiexec",
    metavar="PROGRAM",
    help="What starts the processes, with words of its own, such as 'mpiexec -f hosts'.  "
    "[default: mpiexec]",
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_context
def launch(
    ctx: click.Context, ranks: int, restarts: int, mpiexec: str | None, command: tuple[str, ...]
) -> None:
    """Run COMMAND on several processes, which train one network together.

    COMMAND is a command of bpx without the word bpx, or python and a script; put -- before it.
    The processes are started by mpiexec, with BPX_RANKS=mpi, and one BLAS thread for each core
    that they share. Only the first one prints.

    The job has succeeded only if all processes have come to their end: one that vanishes
    without an error is a failure.
    """
    group = ctx.parent.command if ctx.parent else None
    names = sorted(group.commands) if isinstance(group, click.Group) else []
    known = [name for name in names if name not in (ctx.info_name, *ALONE)]
    launching.run(command, ranks, known, restarts=restarts, mpiexec=mpiexec)
