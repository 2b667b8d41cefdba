"""Check that the layers of a network are valid and fit one another."""

from collections.abc import Sequence
from itertools import pairwise
from numbers import Integral
from typing import Any

from bpx.errors import InputError
from bpx.layers.columns import coded_inputs
from bpx.layers.dense import Dense
from bpx.layers.residual import Add, flattened

__all__ = ["check_layers"]

_NAMES = (
    "n_in", "n_out", "kind", "couples_samples", "draws", "shapes", "entry", "draw", "forward",
    "error", "send_back",
)  # fmt: skip
"""The attributes of every layer: see `bpx.layers.layer.Layer`."""


def check_layers(layers: Sequence[Any]) -> tuple[Any, ...]:
    """Return the layers of a network in the order in which they run, if they fit one another.

    A `bpx.Residual` becomes its own layers and an `Add`.

    Raises
    ------
    InputError
        If a layer lacks an attribute, or has parameters that are neither vectors nor matrices;
        if the last layer is not Dense, a layer's width differs from the one before it, an `Add`
        adds what it cannot, or a layer takes codes from a column that is none of the inputs.
    """
    flat = tuple(flattened(layers))
    for number, layer in enumerate(flat, 1):
        _check_layer(number, layer)
    if not isinstance(layers[-1], Dense):
        raise InputError(
            f"the last layer is {layers[-1]!r}; expected a bpx.Dense, which the cost needs"
        )
    for number, (below, above) in enumerate(pairwise(flat), 2):
        if below.n_out != above.n_in:
            raise InputError(
                f"layer {number}, {above!r}, takes {above.n_in} numbers, but layer "
                f"{number - 1}, {below!r}, gives {below.n_out}; expected the same number"
            )
    for number, layer in enumerate(flat, 1):
        if isinstance(layer, Add):
            _check_add(number, layer, flat)
    coded_inputs(flat)
    return flat


def _check_add(number: int, layer: Add, layers: tuple[Any, ...]) -> None:
    begins = number - layer.over
    if begins < 1:
        raise InputError(
            f"layer {number}, {layer!r}, adds what entered {layer.over} layers before it, but "
            f"only {number - 1} are there; expected over={number - 1} or less"
        )
    if (entered := layers[begins - 1]).n_in != layer.width:
        raise InputError(
            f"layer {number}, {layer!r}, adds the {entered.n_in} numbers that enter layer "
            f"{begins}, {entered!r}, to {layer.width}; expected the same number"
        )


def _check_layer(number: int, layer: Any) -> None:
    if isinstance(layer, Integral):
        raise InputError(
            f"{layer!r}, a width, was given as layer {number}, among layers; expected only "
            "layers, such as [bpx.Dense(4, 3, 'tanh'), bpx.Dense(3, 2, 'softmax')], or only "
            "widths, such as [4, 3, 2]"
        )
    missing = [name for name in _NAMES if not hasattr(layer, name)]
    if missing or isinstance(layer, type):
        lacks = f"lacks {', '.join(missing)}" if missing else "is a class, not a layer"
        name = layer.__name__ if isinstance(layer, type) else type(layer).__name__
        raise InputError(
            f"layer {number}, a {name}, {lacks}; expected the attributes of bpx.layers.Layer, "
            "as in bpx.Dense(4, 3, 'tanh')"
        )
    if hasattr(layer, "learned") and not layer.couples_samples:
        raise InputError(
            f"layer {number}, {layer.kind!r}, averages parameters over the steps, since it has "
            "`learned`; expected couples_samples=True: its output depends on other samples"
        )
    for field, shape in layer.shapes.items():
        if len(shape) not in (1, 2):
            raise InputError(
                f"layer {number}, {layer.kind!r}, has a parameter {field!r} of shape "
                f"{tuple(shape)}; expected one or two axes: reshape it in forward, and give a "
                "single number the shape (1,)"
            )
