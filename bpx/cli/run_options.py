"""The options of a run besides its training: what it writes, and how often."""

from collections.abc import Callable

import click

from bpx.cli import metrics, sources
from bpx.cli.options import Command, together

__all__ = ["checkpoint_options", "quiet", "run_options"]

run_options = together(
    metrics.option,
    click.option(
        "--health/--no-health",
        help="Show after the run, and write for each epoch, how well each layer learns: errors "
        "that vanish or explode, saturated and dead units, outputs that never learn.",
    ),
    click.option(
        "--tensorboard/--no-tensorboard",
        help="Write each epoch's numbers for TensorBoard, into the run's folder tensorboard.",
    ),
    click.option(
        "--validation-fraction",
        type=click.FloatRange(0, 1, max_open=True),
        metavar="NUMBER",
        help="The fraction of a file's samples to hold out, drawn with the seed; 0 for none.  "
        f"[default: {sources.VALIDATION_FRACTION}]",
    ),
    click.option(
        "--out",
        metavar="FOLDER",
        help="A new or empty folder for the run.  [default: runs/<data>-<time>]",
    ),
)
quiet = click.option("--quiet/--no-quiet", help="Print nothing but the run's folder.")


def checkpoint_options(every: str, keep: str) -> Callable[[Command], Command]:
    """Return the options of checkpoints, whose help names these defaults."""
    return together(
        click.option(
            "--every",
            metavar="INTERVAL",
            help="How often to write a checkpoint, such as '10 min', '1 epoch' or '500 steps'."
            f"  [default: {every}]",
        ),
        click.option(
            "--keep",
            type=int,
            metavar="NUMBER",
            help="How many of the newest checkpoints to keep, besides the best.  "
            f"[default: {keep}]",
        ),
    )
