"""``bpx export``: write a network as a file of another program."""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePath
from typing import Any, NamedTuple

import click

import bpx
from bpx._files import expanded
from bpx.cli import optimizers
from bpx.cli.folder import find_network
from bpx.errors import option
from bpx.optim import OPTIMIZERS

__all__ = ["FORMATS", "Format", "export"]

_EXAMPLES = """\b
Examples:
  bpx export runs/first model.onnx
  bpx export runs/first/model.safetensors model.onnx --opset 20
  bpx export runs/first model.c --batch-size 16
  bpx export runs/first model.c --training --optimizer adam --eta 0.001
"""


class Format(NamedTuple):
    """A kind of file.

    Attributes
    ----------
    write : callable
        ``write(network, path, **options) -> lines``: writes the file, and yields what to print
        of it.
    options : tuple of str
        The options of the command that it takes.
    """

    write: Callable[..., Iterable[str]]
    options: tuple[str, ...] = ()


def _onnx(network: bpx.Network, path: str, **options: Any) -> Iterator[str]:
    model = network.to_onnx(path, **options)
    yield f"opset    {model.opset_import[0].version}"
    yield from _listed("inputs", model.graph.input)
    yield from _listed("outputs", model.graph.output)


def _c(
    network: bpx.Network,
    path: str,
    *,
    optimizer: str | None = None,
    eta: float | None = None,
    **options: Any,
) -> Iterator[str]:
    if optimizer is None and eta is not None:
        raise bpx.InputError(f"{option('eta', eta)} was given without --optimizer; omit it")
    if optimizer is not None and not options.get("training"):
        raise bpx.InputError(
            f"{option('optimizer', optimizer)} was given without --training; pass both"
        )
    made = None if optimizer is None else optimizers.make(optimizer, eta, {})
    text = network.to_c(path, optimizer=made, **options)
    for place, each in enumerate(re.findall(r"^\w[^;={}]*\w+\(.*\);$", text, re.M)):
        yield f"{'' if place else 'functions':<11}{each}"


FORMATS: dict[str, Format] = {
    ".onnx": Format(_onnx, ("opset",)),
    ".c": Format(_c, ("name", "batch_size", "training", "optimizer", "eta")),
}
"""The kinds of files by suffix: one line adds another."""


@click.command(epilog=_EXAMPLES, short_help="Write a network as an ONNX model, or in C.")
@click.argument("network")
@click.argument("file")
@click.option(
    "--opset",
    type=int,
    help="For .onnx: the version of ONNX's operators, from 17 to 25.  [default: 17]",
)
@click.option("--name", help="For .c: the prefix of all names in the file.  [default: model]")
@click.option("--batch-size", type=int, help="For .c: the samples of each call.  [default: 1]")
@click.option(
    "--training",
    is_flag=True,
    default=None,
    help="For .c: write the training step, too; it needs --optimizer.",
)
@click.option(
    "--optimizer",
    type=click.Choice([*OPTIMIZERS]),
    help="For .c with --training, which needs it: the optimizer, which begins anew.",
)
@click.option("--eta", type=float, help="Its learning rate.  [default: the optimizer's own]")
def export(network: str, file: str, **given: Any) -> None:
    """Write NETWORK to FILE, which is replaced if it exists.

    NETWORK is a run's folder or a .safetensors file. The suffix of FILE says what is written:
    .onnx for an ONNX model, which onnxruntime and other programs run without bpx, or .c for a
    file of C99 that needs only the C library. If the network was trained on a table, the file
    takes the table's columns, and answers with its classes, or in the units of its target.
    """
    chosen = {name: value for name, value in given.items() if value is not None}
    kind = _format(file, chosen)
    loaded = bpx.load(find_network(network)[0], backend="numpy")
    lines = list(kind.write(loaded, file, **chosen))
    size = expanded(file).stat().st_size
    click.echo("\n".join([f"file     {file}: {size:,} bytes", *lines]))


def _format(file: str, chosen: dict[str, Any]) -> Format:
    """Return the format of a file, if it takes the options.

    Raises
    ------
    InputError
        If there is none, or it does not.
    """
    suffix = PurePath(file).suffix.lower()
    if suffix not in FORMATS:
        raise bpx.InputError(
            f"{file} was given to write to; expected a name that ends in {', '.join(FORMATS)}"
        )
    for name in chosen.keys() - {*FORMATS[suffix].options}:
        raise bpx.InputError(
            f"{option(name, chosen[name])} was given, which a {suffix} file does not have; "
            "omit it"
        )
    return FORMATS[suffix]


def _listed(title: str, ends: Any) -> Iterator[str]:
    for place, each in enumerate(ends):
        yield f"{'' if place else title:<9}{each.name}: {_described(each.type.tensor_type)}"


def _described(tensor: Any) -> str:
    from onnx import TensorProto

    kind = TensorProto.DataType.Name(tensor.elem_type).lower()
    kind = {"float": "float32", "double": "float64"}.get(kind, kind)
    sizes = [each.dim_param or str(each.dim_value) for each in tensor.shape.dim]
    return f"{kind} ({', '.join(sizes)})"
