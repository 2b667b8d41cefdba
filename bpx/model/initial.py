"""Initial parameters and feedback arrays, drawn on the host: the same on every backend."""

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
"""The purposes for which a layer may request a generator."""


def draw(spec: Spec, init: InitializerName | Initializer | None, seed: int) -> Parameters:
    """Draw initial parameters on the host, float64, each array from its own generator.

    Parameters
    ----------
    spec : Spec
    init : str or Initializer or None
        The initializer of all layers. With None, each layer's activation selects it: see
        `bpx.initializers.default`.
    seed : int
    """
    entries = []
    for i, layer in enumerate(spec.layers):
        arrays = layer.draw(init, partial(_generator, seed, spec, i))
        entries.append(layer.entry(arrays))
    return Parameters(entries)


def _generator(seed: int, spec: Spec, i: int, purpose: str) -> Any:
    """Make a generator; a Dense layer's depends only on the number of Dense layers below it."""
    if purpose not in PURPOSES:
        raise InputError(
            f"draw of layer {i + 1}, {spec.layers[i].kind!r}, asked for rng({purpose!r}); "
            f"expected one of {', '.join(PURPOSES)}"
        )
    counted = spec.dense_below(i) if isinstance(spec.layers[i], Dense) else i
    return generator(seed, purpose, counted)


def draw_feedback(spec: Spec, seed: int) -> tuple[Any, ...]:
    """Draw the arrays of the spec's feedback on the host, each from its own generator.

    Parameters
    ----------
    spec : Spec
    seed : int

    Returns
    -------
    tuple of host arrays
        One for each hidden layer, float64; for a redrawn rule its key and counter, int32;
        none if the rule draws nothing.
    """
    shapes = enumerate(spec.feedback.shapes(spec.sizes))
    return tuple(
        spec.feedback.drawn(generator(seed, "feedback", i), *shape) for i, shape in shapes
    )
