"""``bpx export``: write a network as a file of another program."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePath
from typing import Any, NamedTuple

import click

import bpx
from bpx._files import expanded
from bpx.cli.folder import find_network
from bpx.errors import option

__all__ = ["FORMATS", "Format", "export"]

_EXAMPLES = """\b
Examples:
  bpx export runs/first model.onnx
  bpx export runs/first/model.safetensors model.onnx --opset 20
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


FORMATS: dict[str, Format] = {".onnx": Format(_onnx, ("opset",))}
"""The kinds of files by suffix: one line adds another."""


@click.command(epilog=_EXAMPLES, short_help="Write a network as an ONNX model.")
@click.argument("network")
@click.argument("file")
@click.option(
    "--opset",
    type=int,
    help="For .onnx: the version of ONNX's operators, from 17 to 25.  [default: 17]",
)
def export(network: str, file: str, **given: Any) -> None:
    """Write NETWORK to FILE, which is replaced if it exists.

    NETWORK is a run's folder or a .safetensors file. The suffix of FILE says what is written:
    .onnx for an ONNX model, which onnxruntime and other programs run without bpx. If the
    network was trained on a table, the model takes the table's columns, and answers with its
    classes, or in the units of its target.
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
