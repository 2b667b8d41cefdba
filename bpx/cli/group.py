"""The group of all commands: how their errors are shown, and how they run on several ranks."""

from contextlib import nullcontext
from typing import Any

import click

import bpx
from bpx.cli import elsewhere, ranks
from bpx.cli.notices import as_lines
from bpx.cli.running import Interrupted
from bpx.errors import at_the_prompt

__all__ = ["ALONE", "FLAGS", "Group"]

FLAGS = {
    "folder": "--data",
    "mirror": "BPX_MIRROR",
    "rate": "--dropout",
    "patience": "--early-stopping",
}
"""The flags of arguments, where they differ from ``--`` and the argument's name."""

ALONE = ("tune",)
"""The commands that each process runs by itself, whatever started it."""

_COMMAND = "bpx.cli.command"


class Group(click.Group):
    """A group that reports bpx's errors and Ctrl-C in a sentence, without a traceback."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Note the command before it runs."""
        ctx.meta[_COMMAND] = args[0] if args else None
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command, on all ranks together if several run it."""
        together = nullcontext() if ctx.meta[_COMMAND] in ALONE else ranks.attended()
        try:
            with at_the_prompt(FLAGS), as_lines(), together:
                return super().invoke(ctx)
        except bpx.BpxError as error:
            raise click.ClickException(str(error)) from error
        except click.NoSuchOption as error:
            raise elsewhere.named(error) from error
        except KeyboardInterrupt as error:
            raise Interrupted("Interrupted: nothing was written.") from error
