"""Initial parameters, and what a feedback draws: on the host, the same on every backend."""

from functools import partial
from typing import Any

from bpx.arrays.host import generator
from bpx.errors import InputError
from bpx.initializers import Initializer, InitializerName
from bpx.layers.dense import Dense
from bpx.model.parameters import Parameters
from bpx.model.spec import Spec

__all__ = ["draw", "draw_feedback"]

PURPOSES = ("layer", "weights", "biases")
"""What a layer may ask a generator for."""


def draw(spec: Spec, init: InitializerName | Initializer | None, seed: int) -> Parameters:
    """Initial parameters on the host, float64, each array from a generator of its own.

    Parameters
    ----------
    spec : Spec
    init : str or Initializer or None
        For all layers; None lets each layer's activation choose: see
        `bpx.initializers.default`.
    seed : int
    """
    entries = []
    for i, layer in enumerate(spec.layers):
        arrays = layer.draw(init, partial(_generator, seed, spec, i))
        entries.append(layer.entry(arrays))
    return Parameters(entries)


def _generator(seed: int, spec: Spec, i: int, purpose: str) -> Any:
    """Of Dense layers, counted by themselves: a layer between draws no others for them."""
    if purpose not in PURPOSES:
        raise InputError(
            f"draw of layer {i + 1}, {spec.layers[i].kind!r}, asked for rng({purpose!r}); "
            f"expected one of {', '.join(PURPOSES)}"
        )
    counted = spec.dense_below(i) if isinstance(spec.layers[i], Dense) else i
    return generator(seed, purpose, counted)


def draw_feedback(spec: Spec, seed: int) -> tuple[Any, ...]:
    """What the spec's feedback draws, on the host, each array from a generator of its own.

    Parameters
    ----------
    spec : Spec
    seed : int

    Returns
    -------
    tuple of host arrays
        One for each hidden layer, float64, or the key and counter of one that is redrawn,
        int32; none where the rule draws nothing.
    """
    shapes = enumerate(spec.feedback.shapes(spec.sizes))
    return tuple(
        spec.feedback.drawn(generator(seed, "feedback", i), *shape) for i, shape in shapes
    )
