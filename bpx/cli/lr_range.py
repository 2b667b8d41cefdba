"""``bpx lr-range``: which learning rates a network learns with, and one to begin with."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import click
from click.core import ParameterSource

import bpx
from bpx._files import expanded
from bpx.cli import optimizers, options
from bpx.cli.settings import Settings
from bpx.cli.table_options import table_options
from bpx.cli.work import prepare
from bpx.training.suggestions import RULES, RuleName

__all__ = ["lr_range"]

_EXAMPLES = """\b
Examples:
  bpx lr-range digits
  bpx lr-range mnist --layers 784,100,10 --optimizer sgd --momentum 0.9 --batch-size 64
  bpx lr-range iris.csv --target species --high 100 --out iris.svg
"""

_UNUSED = ("eta", "epochs")
"""Options of a training that this command has no use for."""

_NO_PICTURE = "none: it needs Matplotlib; install it with: pip install matplotlib"

_TOLD = {
    "steepest": "the cost falls fastest there",
    "valley": "the middle of the longest valley",
    "minimum": "a tenth of where the cost is lowest",
}


@click.command("lr-range", epilog=_EXAMPLES, short_help="Which learning rate to begin with?")
@click.argument("data")
@options.network_options
@options.training_options
@options.home
@options.folder
@options.inputs
@options.target
@table_options
@click.option(
    "--low", type=float, default=1e-6, show_default=True, help="The first learning rate."
)
@click.option(
    "--high", type=float, default=10.0, show_default=True, help="The last learning rate."
)
@click.option("--steps", type=int, default=200, show_default=True, help="The number of steps.")
@click.option(
    "--rule",
    type=click.Choice(list(RULES)),
    default="steepest",
    show_default=True,
    help="How to choose: where the cost falls fastest; in the middle of its longest valley; or "
    "a tenth of where it is lowest.",
)
@click.option(
    "--out",
    metavar="FILE",
    default="lr-range.svg",
    show_default=True,
    help="The picture, replaced if it exists; its ending chooses the format.",
)
def lr_range(low: float, high: float, steps: int, rule: str, out: str, **chosen: Any) -> None:
    """Find a learning rate for DATA, which is as in `bpx train`.

    A short training begins with a learning rate that is too low, and raises it at each step
    until the cost explodes. Give the same network, optimizer and batch size as to `bpx train`.
    The command prints a learning rate to begin with, and draws the costs if Matplotlib is
    installed.
    """
    settings = Settings(**chosen)
    optimizers.check(settings.optimizer, settings.own())
    picture = _picture(out)
    work = prepare(settings)
    settings = work.settings
    found = bpx.learning_rate_range(
        work.network,
        work.samples("train"),
        batch_size=cast(int, settings.batch_size),
        optimizer=settings.make_optimizer(),
        low=low,
        high=high,
        steps=steps,
        rule=cast(RuleName, rule),
        lmbda=cast(float, settings.lmbda),
        class_weight=settings.class_weight,
        seed=settings.seed,
        precision=settings.precision or "float32",
    )
    if picture is not None:
        found.plot(picture.subplots())
        _save(picture, out)
    click.echo(_told(found, settings, _NO_PICTURE if picture is None else out))


lr_range.params = [each for each in lr_range.params if each.name not in _UNUSED]


def _told(found: bpx.LearningRateRange, settings: Settings, picture: str) -> str:
    ended = "the cost diverged" if found.diverged else "the end"
    tried = f"{found.etas[0]:.2g} to {found.etas[-1]:.2g} ({ended}), {len(found.etas)} steps"
    lines = [
        f"training   {settings.optimizer}, batches of {settings.batch_size}, "
        f"seed {settings.seed}",
        f"eta        {tried}",
        f"picture    {picture}",
    ]
    if found.suggestion is None:
        return "\n".join([*lines, "suggested  none: the cost never falls from --low to --high"])
    eta = f"{found.suggestion:.2g}"
    chosen = f"suggested  --eta {eta} ({found.rule}: {_TOLD[found.rule]})"
    command = replace(settings, eta=float(eta)).command()
    return "\n".join([*lines, chosen, f"next       {command}"])


def _picture(out: str) -> Any:
    """Return an empty figure, before the data are read: Matplotlib is an extra.

    Without it, the picture that nobody asked for is None.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        if click.get_current_context().get_parameter_source("out") is ParameterSource.DEFAULT:
            return None
        raise bpx.InputError(
            "the picture needs Matplotlib, which is not installed; install it with: "
            "pip install matplotlib"
        ) from error
    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    known = figure.canvas.get_supported_filetypes()
    ending = Path(out).suffix.removeprefix(".").lower()
    if ending not in known:
        raise bpx.InputError(
            f"--out {out} was given; expected a name that ends in .svg or .png"
        )
    return figure


def _save(figure: Any, out: str) -> None:
    """Write the picture, the same bytes for the same numbers."""
    from matplotlib import rc_context

    path = expanded(out)
    svg = path.suffix.lower() == ".svg"
    try:
        with rc_context({"svg.hashsalt": "bpx"}):
            figure.savefig(path, **({"metadata": {"Date": None}} if svg else {}))
    except OSError as error:
        raise bpx.InputError(
            f"--out {out} cannot be written: {error.strerror or error}; expected a path that "
            "you can write to"
        ) from error
