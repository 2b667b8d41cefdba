"""What a network consists of, in a line and in a table of its layers."""

from collections import Counter
from math import prod
from typing import Any

from bpx.layers.dense import Dense
from bpx.layers.layer import Layer
from bpx.model.spec import Spec

__all__ = ["other_kinds", "table"]

_HEAD = ("layer", "", "width", "parameters")


def other_kinds(spec: Spec) -> str:
    """Name the layers that are not Dense, such as "with dropout (2), layer_norm"; or ""."""
    counts = Counter(layer.kind for layer in spec.layers if not isinstance(layer, Dense))
    kinds = (kind if n == 1 else f"{kind} ({n})" for kind, n in sorted(counts.items()))
    return f"with {', '.join(kinds)}" if counts else ""


def table(spec: Spec) -> str:
    """Return a line for each layer: its number and kind, its width, and its parameters.

    The numbers of parameters are those of arrays that training changes by their gradients.
    """
    counts = [_learned(layer) for layer in spec.layers]
    inputs = ("0", "inputs", f"{spec.layers[0].n_in:,}", "")
    each = zip(spec.layers, counts, strict=True)
    layers = [
        (str(number), _named(layer), f"{layer.n_out:,}", f"{count:,}")
        for number, (layer, count) in enumerate(each, 1)
    ]
    total = ("", "", "", f"{sum(counts):,}")
    lines = [_HEAD, inputs, *layers, total]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    sides = (str.rjust, str.ljust, str.rjust, str.rjust)
    return "\n".join(
        "  ".join(
            side(cell, n) for side, cell, n in zip(sides, line, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def _named(layer: Layer) -> str:
    """The kind of a layer, with its activation or its rate."""
    told: Any = getattr(layer, "activation", None)
    told = getattr(told, "name", told)
    told = getattr(layer, "rate", None) if told is None else told
    return layer.kind if told is None else f"{layer.kind} {told}"


def _learned(layer: Layer) -> int:
    shapes = layer.shapes
    learned = getattr(layer, "learned", tuple(shapes))
    return sum(prod(shapes[name]) for name in learned)
