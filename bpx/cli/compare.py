"""``bpx compare``: check that backends agree, and show where they diverge."""

from dataclasses import replace
from typing import Any

import click

import bpx
from bpx.cli import optimizers, options, sources
from bpx.cli.networks import untrained
from bpx.cli.settings import Settings, complete
from bpx.costs import CostName

__all__ = ["compare"]

_EXAMPLES = """\b
Examples:
  bpx compare numpy torch
  bpx compare numpy cupy torch:cuda --layers 784,512,10 --steps 200
  bpx compare numpy jax --data digits --dtype float64 --optimizer adam
  bpx compare numpy
"""

_LAYERS = (20, 30, 10)


@click.command(epilog=_EXAMPLES, short_help="Do backends agree, and where do they diverge?")
@click.argument("backends", nargs=-1, required=True, metavar="BACKEND...")
@click.option(
    "--data",
    metavar="DATA",
    help="The samples, as in `bpx train`.  [default: random samples]",
)
@options.network_options
@options.optimizer_options("sgd")
@click.option("--steps", type=int, default=100, show_default=True, help="The number of steps.")
@click.option(
    "--batch-size", type=int, default=10, show_default=True, help="Samples in a mini-batch."
)
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    help="The seed of the weights, the samples and their order.",
)
@click.option(
    "--dtype",
    metavar="NAME",
    help="The dtype of the weights, float32 or float64.  [default: BPX_DTYPE, else float32]",
)
@click.pass_context
def compare(
    ctx: click.Context,
    /,
    backends: tuple[str, ...],
    data: str | None,
    steps: int,
    batch_size: int,
    **chosen: Any,
) -> None:
    """Train one network on several backends, step by step, and show where they diverge.

    A BACKEND is NAME[:DEVICE]. Each is compared with the first, equation by equation, and with
    its own compiled engine. All start from the same weights and see the same samples. If two
    differ by more than rounding, the output names the step, the layer and the equation; the
    table shows how the weights drift apart.

    The exit code is 1 if backends diverge by more than rounding.
    """
    settings = Settings(data=data or "random", backend=backends[0], **chosen)
    optimizers.check(settings.optimizer, settings.own())
    if data is None:
        settings, samples = _without_data(settings), None
    else:
        train = sources.dataset(data).train
        settings, samples = complete(settings, train), (train.x, train.y)
    comparison = bpx.testing.compare(
        untrained(settings),
        backends,
        samples,
        steps=steps,
        batch_size=batch_size,
        optimizer=settings.make_optimizer(),
        seed=settings.seed,
    )
    click.echo(str(comparison))
    ctx.exit(1 if comparison.parted else 0)


def _without_data(settings: Settings) -> Settings:
    output = settings.output or "softmax"
    cost: CostName = "cross_entropy" if output in ("softmax", "sigmoid") else "quadratic"
    layers = settings.layers or _LAYERS
    return replace(settings, layers=layers, output=output, cost=settings.cost or cost)
