"""Initial parameters, and what a feedback draws: on the host, the same on every backend."""

from typing import Any

from bpx.arrays.host import generator
from bpx.initializers import Initializer, default, get
from bpx.model.spec import Parameters, Spec

__all__ = ["draw", "draw_feedback"]


def draw(spec: Spec, init: str | Initializer | None, seed: int) -> Parameters:
    """Initial parameters on the host, float64, each array from a generator of its own.

    Parameters
    ----------
    spec : Spec
    init : str or Initializer or None
        For all layers; None lets each layer's activation choose: see `default`.
    seed : int
    """
    w, b = [], []
    for i, layer in enumerate(spec.layers):
        chosen = default(layer.activation) if init is None else get(init)
        w.append(chosen.weights(generator(seed, "weights", i), layer.n_out, layer.n_in))
        b.append(chosen.biases(generator(seed, "biases", i), layer.n_out))
    return Parameters(tuple(w), tuple(b))


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
