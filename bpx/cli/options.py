"""The options that commands share, in groups."""

from collections.abc import Callable
from typing import Any, TypeVar, get_args

import click

from bpx.activations import ACTIVATIONS
from bpx.cli import optimizers
from bpx.cli.config import forgetting
from bpx.cli.settings import Settings
from bpx.costs import CHOICES, COSTS
from bpx.feedback import FEEDBACKS
from bpx.initializers import INITIALIZERS
from bpx.layers.norms import NORMS
from bpx.optim import OPTIMIZERS
from bpx.program.contract import Precision

__all__ = [
    "folder",
    "home",
    "inputs",
    "network_options",
    "optimizer_options",
    "saved_home",
    "target",
    "together",
    "training_options",
]

Command = TypeVar("Command", bound=Callable[..., Any])


_NONE = "none"
"""What switches an option off that a file has switched on."""


def _or_none(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Return None for "none"."""
    return None if value == _NONE else value


def _number_or_none(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    return None if value in (None, _NONE) else click.INT.convert(value, param, ctx)


def _sizes(ctx: click.Context, param: click.Parameter, value: str | None) -> Any:
    """``784,30,10`` as ``(784, 30, 10)``."""
    if value is None:
        return None
    try:
        sizes = tuple(int(size) for size in value.split(","))
    except ValueError:
        sizes = ()
    if len(sizes) < 2 or min(sizes) < 1:
        raise click.BadParameter(
            f"{value!r} was given; expected the sizes of at least two layers, inputs first, "
            "separated by commas, such as 784,30,10"
        )
    return sizes


def _rates(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """``0.1`` as a number, and ``0.1,0.2`` as a tuple."""
    if value in (None, _NONE):
        return None
    try:
        rates = tuple(float(rate) for rate in str(value).split(","))
    except ValueError:
        raise click.BadParameter(
            f"{value!r} was given; expected a number in [0, 1), or one for each hidden layer, "
            "separated by commas, such as 0.1,0.2"
        ) from None
    return rates if len(rates) > 1 else rates[0]


def _names(table: dict[str, Any], *more: str) -> str:
    return ", ".join((*table, *more))


def together(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Combine options into one decorator; help shows them in this order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


home = together(
    click.option(
        "--backend",
        metavar="NAME[:DEVICE]",
        help="Where to compute: numpy, cupy, cupy:1, torch:cuda:0, jax, auto.  "
        "[default: BPX_BACKEND, else numpy]",
    ),
    click.option(
        "--dtype",
        metavar="NAME",
        help="The dtype of the weights, float32 or float64.  "
        "[default: BPX_DTYPE, else float32]",
    ),
)
saved_home = click.option(
    "--backend",
    metavar="NAME[:DEVICE]",
    help="Where to compute.  [default: BPX_BACKEND, else numpy]",
)
folder = click.option(
    "--data",
    "folder",
    metavar="FOLDER",
    help="The folder with the files of mnist or fashion_mnist.  "
    "[default: BPX_DATA, else the cache, else they are downloaded]",
)
inputs = click.option(
    "--inputs", metavar="KEY", help="The key of the samples in an .npz file.  [default: x]"
)
target = click.option(
    "--target",
    metavar="COLUMN",
    help="The targets: a table's column by name or by index from 0 (-1 is the last), or a key "
    "of an .npz file.  [default: the last column; y]",
)
network_options = together(
    click.option(
        "--layers",
        callback=_sizes,
        metavar="SIZES",
        help="The sizes of the layers, inputs first, such as 784,30,10.  "
        "[default: one hidden layer of 30, or 100 for a table; other sizes come from the data]",
    ),
    click.option(
        "--hidden",
        metavar="NAME",
        default=Settings.hidden,
        show_default=True,
        help=f"The activation of the hidden layers: {_names(ACTIVATIONS)}.",
    ),
    click.option(
        "--norm",
        type=click.Choice([*NORMS, _NONE]),
        callback=_or_none,
        help="Normalize the activations of each hidden layer: over its units, or over the "
        "mini-batch.  [default: none]",
    ),
    click.option(
        "--dropout",
        callback=_rates,
        metavar="RATE",
        help="Drop each unit of the hidden layers with this probability in training; or one "
        "for each hidden layer, such as 0.1,0.2.  [default: none]",
    ),
    click.option(
        "--output",
        metavar="NAME",
        callback=forgetting,
        help="The activation of the last layer.  [default: softmax for classes, sigmoid for "
        "0 or 1, identity for other numbers]",
    ),
    click.option(
        "--cost",
        metavar="NAME",
        callback=forgetting,
        help=f"{_names(COSTS, *CHOICES)}; or with parameters, as 'huber(delta=0.5)'.  "
        "[default: cross_entropy for classes and for 0 or 1, quadratic for other numbers]",
    ),
    click.option(
        "--feedback",
        metavar="NAME",
        default=Settings.feedback,
        show_default=True,
        help=f"How errors are propagated back: {_names(FEEDBACKS)}.",
    ),
    click.option(
        "--init",
        metavar="NAME",
        callback=_or_none,
        help=f"How initial weights are drawn: {_names(INITIALIZERS)}.  [default: none, so that "
        "it is chosen for each layer's activation]",
    ),
)


def optimizer_options(default: str) -> Callable[[Command], Command]:
    """Return the options of all optimizers in `bpx.optim.OPTIMIZERS`; `default` names one."""
    return together(
        click.option(
            "--optimizer",
            type=click.Choice(list(OPTIMIZERS)),
            default=default,
            show_default=True,
            callback=forgetting,
            help="The rule that updates the weights.",
        ),
        click.option(
            "--eta", type=float, help=f"The learning rate.  [default: {_usual_etas()}]"
        ),
        *(_of_optimizers(name, option) for name, option in optimizers.OPTIONS.items()),
    )


def _of_optimizers(name: str, option: optimizers.Option) -> Callable[[Command], Command]:
    """Return an option of the optimizers that take it."""
    text = option.help.format(" and ".join(optimizers.takers(name)))
    if option.type is bool:
        return click.option(f"--{name}/--no-{name}", help=text)
    usual = "none" if option.off is not None else optimizers.usual(name)
    return click.option(
        f"--{name}", type=option.type, default=option.off, help=f"{text}  [default: {usual}]"
    )


def _usual_etas() -> str:
    return ", ".join(f"{optimizers.default_eta(name):g} for {name}" for name in OPTIMIZERS)


training_options = together(
    optimizer_options(Settings.optimizer),
    click.option(
        "--lmbda",
        type=float,
        help="The L2 penalty: lmbda / n * w is added to the gradient.  [default: 1 for "
        "a table, else none]",
    ),
    click.option(
        "--class-weight",
        type=click.Choice(["balanced", _NONE]),
        callback=_or_none,
        help="Weight the samples by n / (classes * count), so that all classes count the "
        "same.  [default: none, so that all samples do]",
    ),
    click.option(
        "--epochs",
        type=int,
        help="The number of passes over the samples.  [default: 30; for a small table, enough "
        "for 1,000 steps]",
    ),
    click.option(
        "--batch-size",
        type=int,
        help="Samples in a mini-batch.  [default: 10, or all if there are fewer]",
    ),
    click.option(
        "--accumulate",
        type=int,
        metavar="CHUNKS",
        help="Into how many chunks each mini-batch is cut; they are computed one by one, "
        "to save memory.  [default: 1]",
    ),
    click.option(
        "--precision",
        type=click.Choice(get_args(Precision)),
        help="The precision of the products. On torch and jax, bfloat16 and float16 are also "
        "that of what lies between them; the weights stay float32.  [default: float32]",
    ),
    click.option(
        "--early-stopping",
        callback=_number_or_none,
        metavar="EPOCHS",
        help="Stop when the cost on the validation samples has had no new best value for so "
        "many epochs, and keep the best weights.  [default: none, to train all epochs]",
    ),
    click.option(
        "--seed",
        type=int,
        help="The seed of the weights, the order of the samples and the held-out samples.  "
        "[default: drawn, and written to run.toml]",
    ),
)
