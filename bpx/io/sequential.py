"""Read the Linear layers of a PyTorch ``Sequential`` from a safetensors file.

Their arrays are named ``0.weight``, ``0.bias``, ``2.weight``, ..., by the places of the layers
in the ``Sequential``; a layer made with ``bias=False`` has no ``bias``. The activations between
them have no arrays and are not in the file, so the caller has to name them.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from bpx.arrays.choice import DTYPES
from bpx.errors import FileFormatError, InputError, advice
from bpx.model.spec import Spec, make_spec

__all__ = ["Linear", "Stored", "linear_layers", "spec_of"]

_NAMES = {"F32": "float32", "F64": "float64", "F16": "float16", "BF16": "bfloat16"}
"""The usual names of safetensors' dtypes."""
_OTHERS = {
    "running_mean": "a BatchNorm",
    "running_var": "a BatchNorm",
    "num_batches_tracked": "a BatchNorm",
    "in_proj_weight": "an attention",
    "weight_ih_l0": "a recurrent layer",
}
"""The layers that other common arrays belong to."""


class Linear(NamedTuple):
    """A Linear layer in a file."""

    n_in: int
    n_out: int
    bias: bool = True


class Stored(NamedTuple):
    """An array in the header of a file: its shape, and its dtype as safetensors names it."""

    shape: tuple[int, ...]
    dtype: str

    def __str__(self) -> str:
        return f"{_NAMES.get(self.dtype, self.dtype)} of shape {self.shape}"


def linear_layers(path: str | Path, found: Mapping[str, Stored]) -> dict[str, Linear]:
    """Find the Linear layers in a file that bpx did not write, by name, in order.

    Parameters
    ----------
    path : str or Path
        The file's path, for messages.
    found : mapping of str to Stored
        All arrays of the file, by name.

    Raises
    ------
    FileFormatError
        If the file holds anything else, or the names do not determine the order. A single
        layer may have any name. Several layers need a common prefix and consecutive numbers,
        such as ``fc1``, ``fc2``; or places, such as ``model.0``, ``model.2``. At most
        one place between two layers may be skipped, which is taken for the activation, and at
        most one before the first, which is taken for a Flatten.
    """
    problem = next(filter(None, (_problem(key, found) for key in found)), None)
    if problem or not found:
        raise _foreign(path, problem or "it holds no arrays")
    if len(dtypes := {_NAMES[each.dtype] for each in found.values()}) > 1:
        raise _foreign(path, f"its arrays are {' and '.join(sorted(dtypes))}, not of one dtype")
    parts = (key.rpartition(".") for key in found)
    layers = _in_order(path, [layer for layer, _, field in parts if field == "weight"])
    shapes = {layer: found[_key(layer, "weight")].shape for layer in layers}
    for (below, (n, _)), (above, (_, m)) in pairwise(shapes.items()):
        if n != m:
            raise _foreign(
                path,
                f"{_key(below, 'weight')!r} gives {n} numbers, but {_key(above, 'weight')!r}, "
                f"which comes next, takes {m}",
            )
    return {
        layer: Linear(n_in, n_out, _key(layer, "bias") in found)
        for layer, (n_out, n_in) in shapes.items()
    }


def spec_of(path: str | Path, layers: Mapping[str, Linear], chosen: Mapping[str, Any]) -> Spec:
    """Make the spec of these layers, with the activations and the cost that the caller chose.

    Parameters
    ----------
    path : str or Path
        The file's path, for messages.
    layers : mapping of str to Linear
        The result of `linear_layers`.
    chosen : mapping of str
        Some of ``activations``, ``hidden``, ``output`` and ``cost``, as for `bpx.Network`.

    Raises
    ------
    FileFormatError
        If no activation is given.
    InputError
        If the given values do not fit.
    """
    linear = list(layers.values())
    sizes = [linear[0].n_in, *(layer.n_out for layer in linear)]
    if not chosen.keys() & {"activations", "hidden", "output"}:
        raise FileFormatError(
            f"{path} is a safetensors file that bpx did not write: it holds Linear layers of "
            f"sizes {sizes}, but not their activations; "
            + advice(
                f"pass these too, as in {_call(path, sizes)}",
                "expected a file that Network.save wrote: load this one in Python with "
                "bpx.load, which takes its activations, and save it",
            )
        )
    named = {"each" if name == "activations" else name: v for name, v in chosen.items()}
    try:
        spec = make_spec(sizes, **named)
    except InputError as error:
        raise InputError(f"{path} holds Linear layers of sizes {sizes}: {error}") from error
    pairs = zip(spec.dense, linear, strict=True)
    return replace(spec, layers=tuple(replace(dense, bias=at.bias) for dense, at in pairs))


def _problem(key: str, found: Mapping[str, Stored]) -> str | None:
    """Return how an array differs from those of a Linear layer, or None."""
    layer, _, field = key.rpartition(".")
    stored = found[key]
    if field not in ("weight", "bias"):
        of = f", but belongs to {_OTHERS[field]}" if field in _OTHERS else ""
        return f"{key!r}, {stored}, is not a weight or bias{of}"
    weight, bias = (found.get(_key(layer, each)) for each in ("weight", "bias"))
    if weight is None:
        return f"{key!r}, {stored}, has no weight beside it"
    if len(weight.shape) != 2:
        kind = "a convolution" if len(weight.shape) > 2 else "a normalization"
        return f"{_key(layer, 'weight')!r} is {weight}, as in {kind}"
    if bias and bias.shape != weight.shape[:1]:
        return f"{_key(layer, 'bias')!r} is {bias} beside a weight of shape {weight.shape}"
    if _NAMES.get(stored.dtype) not in DTYPES:
        return f"{key!r} is {stored}, not {' or '.join(DTYPES)} (use model.float())"
    return None


def _in_order(path: str | Path, layers: list[str]) -> list[str]:
    if len(layers) == 1:
        return layers
    parts = {layer: re.fullmatch(r"(.*?)(\d{1,9})", layer) for layer in layers}
    numbers = {layer: int(part[2]) for layer, part in parts.items() if part}
    if len(numbers) < len(layers) or len({part[1] for part in parts.values() if part}) > 1:
        listed = ", ".join(map(repr, sorted(layers)))
        raise _foreign(path, f"the names of its layers, {listed}, do not determine their order")
    ordered = sorted(layers, key=lambda layer: numbers[layer])
    are_places = ordered[0].rpartition(".")[2].isdecimal()
    if numbers[ordered[0]] > 1:
        raise _foreign(
            path, f"{ordered[0]!r} is its first layer, but another module comes before it"
        )
    for below, above in pairwise(ordered):
        if numbers[above] - numbers[below] not in ((1, 2) if are_places else (1,)):
            raise _foreign(
                path,
                f"more than an activation may stand between its layers {below!r} and {above!r} "
                "(if it is a Dropout, which predictions do not use, rename the keys so that at "
                "most one number is skipped)",
            )
    return ordered


def _key(layer: str, field: str) -> str:
    return f"{layer}.{field}" if layer else field


def _call(path: str | Path, sizes: list[int]) -> str:
    """Return an example call that works; PyTorch's CrossEntropyLoss includes the softmax."""
    hidden = ["relu"] * (len(sizes) - 2)
    if sizes[-1] == 1:
        return f"bpx.load({str(path)!r}, activations={[*hidden, 'identity']})"
    return (
        f"bpx.load({str(path)!r}, activations={[*hidden, 'softmax']}, cost='cross_entropy') "
        "for classes"
    )


def _foreign(path: str | Path, why: str) -> FileFormatError:
    return FileFormatError(
        f"{path} is a safetensors file that bpx did not write: {why}; expected one that "
        "Network.save wrote" + advice(", or the Linear layers of a PyTorch Sequential", "")
    )
