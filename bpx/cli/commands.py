"""The commands of ``bpx``: their options and help, and the functions that they call."""

import json
from typing import Any

import click

import bpx
from bpx.cli import (
    judged,
    machine,
    optimizers,
    options,
    predictions,
    running,
    sources,
    tables,
)
from bpx.cli.check import check
from bpx.cli.compare import compare
from bpx.cli.config import config_option
from bpx.cli.export import export
from bpx.cli.folder import find_network
from bpx.cli.group import FLAGS, Group
from bpx.cli.launch import launch
from bpx.cli.lr_range import lr_range
from bpx.cli.metrics import option as metrics_option
from bpx.cli.restored import WORDS
from bpx.cli.run_options import checkpoint_options, quiet, run_options
from bpx.cli.schedules import schedule_options
from bpx.cli.settings import Settings
from bpx.cli.table_options import layout_options, table_options
from bpx.cli.tune import tune
from bpx.errors import at_the_prompt
from bpx.network.resuming.opening import EVERY, KEEP

__all__ = ["cli"]

_EXAMPLES = """\b
Examples:
  bpx train digits
  BPX_BACKEND=cupy bpx train mnist --layers 784,100,10 --epochs 10
  bpx evaluate runs/digits-20260131-120000 digits
  bpx info
"""

_TRAIN_EXAMPLES = """\b
Examples:
  bpx train digits
  bpx train mnist --layers 784,100,10 --optimizer sgd --eta 0.1 --lmbda 5
  bpx train mnist --schedule cosine --warmup 100
  bpx train mnist --backend torch:cuda:0 --batch-size 256 --out runs/first
  bpx train iris.csv --target species --validation-fraction 0.3
  bpx train prices.npz --layers 13,50,50,1 --hidden tanh --seed 1
  bpx train images.npz --inputs images --target labels
  bpx train --config runs/first/run.toml --epochs 60
"""

_RESUME_EXAMPLES = """\b
Examples:
  bpx resume runs/first
  bpx resume runs/first --epochs 60
"""

_EVALUATE_EXAMPLES = """\b
Examples:
  bpx evaluate runs/first mnist
  bpx evaluate runs/first/model.safetensors mnist --split validation
  bpx evaluate runs/iris iris.csv --split validation --metrics f1_macro,confusion_matrix
  bpx evaluate runs/iris more.csv --target species
"""

_PREDICT_EXAMPLES = """\b
Examples:
  bpx predict runs/iris flowers.csv --out classes.csv --labels
  bpx predict runs/iris iris.csv --target species --out -
  bpx predict model.safetensors inputs.npy --out outputs.npy
"""


@click.group(
    cls=Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_EXAMPLES,
)
@click.version_option(bpx.__version__, prog_name="bpx", message="%(prog)s %(version)s")
def cli() -> None:
    """Train fully connected networks by the equations of backpropagation.

    They run on NumPy, CuPy, PyTorch or JAX: choose with --backend or BPX_BACKEND.
    `bpx COMMAND --help` describes each command.
    """


cli.add_command(check)
cli.add_command(compare)
cli.add_command(export)
cli.add_command(launch)
cli.add_command(lr_range)
cli.add_command(tune)


@cli.command(epilog=_TRAIN_EXAMPLES)
@click.argument("data")
@config_option
@options.network_options
@options.training_options
@schedule_options
@options.home
@options.folder
@options.inputs
@options.target
@table_options
@run_options
@checkpoint_options(EVERY, str(KEEP))
@quiet
def train(
    out: str | None, quiet: bool, every: str | None, keep: int | None, **chosen: Any
) -> None:
    """Train a network on DATA.

    DATA is digits, mnist or fashion_mnist, or a file with targets: a table (.csv, .tsv,
    .parquet), or an .npz file with the arrays x and y, or the arrays that --inputs and
    --target name.

    For a table, bpx first shows which column is the target, how it treats the other columns,
    and how many rows it holds out. It scales numbers, encodes texts and fills missing cells,
    all fitted on the training rows and saved in the network's file. The values of an .npz file
    are used as they are: scale them to about [0, 1] first.

    The run's folder holds run.toml (with the command that repeats the run), history.csv (a row
    for each epoch), model.safetensors (of the last finished epoch) and checkpoints, from which
    `bpx resume` continues the run if Ctrl-C, a signal or a crash ends it. If it ends before
    there is anything to keep, the folder is removed.
    """
    settings = Settings(**chosen)
    optimizers.check(settings.optimizer, settings.own())
    running.run(settings, out=out, quiet=quiet, every=every, keep=keep)


@cli.command(epilog=_RESUME_EXAMPLES)
@click.argument("run")
@click.option(
    "--epochs", type=int, help="The number of all epochs.  [default: that of the run]"
)
@click.option(
    "--backend",
    metavar="NAME[:DEVICE]",
    help="Where to compute.  [default: where the run computed]",
)
@checkpoint_options("that of the run", "that of the run")
@quiet
def resume(
    run: str,
    epochs: int | None,
    backend: str | None,
    every: str | None,
    keep: int | None,
    quiet: bool,
) -> None:
    """Continue RUN, the folder of a run of `bpx train`.

    The run continues from its newest checkpoint, with its own settings, on the data that it was
    begun with, which are read again and must be the same; a relative path is tried here, and
    then where the run was started. On the same backend, device, versions
    and number of threads it ends with the same bits as a run that was never interrupted. If it
    has finished, --epochs makes it longer.
    """
    typed: dict[str, Any] = {"epochs": epochs, "backend": backend, "every": every, "keep": keep}
    words = {name: word for name, word in WORDS.items() if typed.get(name) is None}
    with at_the_prompt({**FLAGS, **words}):
        running.resume(run, **typed, quiet=quiet)


@cli.command(epilog=_EVALUATE_EXAMPLES)
@click.argument("network")
@click.argument("data")
@click.option(
    "--split",
    type=click.Choice(["test", "validation", "train"]),
    help="The samples to evaluate on; for a file, the ones that the run in NETWORK drew.  "
    "[default: test; all samples of a file]",
)
@metrics_option
@options.inputs
@options.target
@options.folder
@layout_options
@options.saved_home
def evaluate(
    network: str,
    data: str,
    split: str | None,
    metrics: tuple[str, ...],
    inputs: str | None,
    target: str | None,
    folder: str | None,
    backend: str | None,
    **layout: Any,
) -> None:
    """Print the cost and the accuracy of NETWORK on DATA, and other metrics.

    NETWORK is a run's folder or a .safetensors file; DATA is as in `bpx train`. Columns of a
    table are matched by name, in any order.
    """
    file, run = find_network(network)
    loaded = bpx.load(file, backend=backend)
    if loaded.schema is not None:
        judged.table(loaded, run, data, split, target, {**layout, "inputs": inputs}, metrics)
    else:
        judged.arrays(loaded, run, data, split, target, folder, inputs, metrics)


@cli.command(epilog=_PREDICT_EXAMPLES)
@click.argument("network")
@click.argument("file", metavar="INPUT")
@click.option(
    "--out",
    default=predictions.STDOUT,
    metavar="FILE",
    help="A .csv or .npy file other than INPUT, replaced if it exists; - for CSV on standard "
    "output.  "
    "[default: -]",
)
@click.option("--labels", is_flag=True, help="Write classes instead of outputs.")
@options.inputs
@click.option(
    "--keep",
    multiple=True,
    metavar="COLUMNS",
    help="Columns of the table to write before the predictions; all for every column.",
)
@click.option(
    "--target", metavar="COLUMN", help="A column of INPUT to ignore, by name or index."
)
@layout_options
@options.saved_home
def predict(
    network: str,
    file: str,
    out: str,
    labels: bool,
    inputs: str | None,
    keep: tuple[str, ...],
    target: str | None,
    backend: str | None,
    **layout: Any,
) -> None:
    """Write the predictions of NETWORK for the samples in INPUT.

    NETWORK is a run's folder or a .safetensors file. If it was trained on a table, INPUT is a
    table with the same columns in any order, and the result has a header: the class and the
    probability of each class (a score, where outputs are not between 0 and 1), or the number
    in the target's units. Otherwise INPUT is a .csv or .tsv table, or a .npy, .npz or IDX
    file, and the result has no header. There is one row for each sample, in the order of
    INPUT.
    """
    predictions.check_place(out, file)
    loaded = bpx.load(find_network(network)[0], backend=backend)
    if loaded.schema is not None:
        table = tables.matching(file, loaded.schema, {**layout, "inputs": inputs})
        predictions.write_table(out, loaded, table, labels=labels, keep=keep)
        return
    x = sources.read_inputs(file, target, loaded.sizes[0], inputs)
    predictions.write(out, loaded.classify(x) if labels else loaded.predict(x))


@cli.command(short_help="Show versions, backends and devices, for a bug report.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def info(as_json: bool) -> None:
    """Show what a bug report needs: versions, backends, devices, environment variables."""
    collected = machine.collect()
    click.echo(json.dumps(collected, indent=2) if as_json else machine.as_text(collected))
