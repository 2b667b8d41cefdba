"""R0 to R4: both passes differentiated once, as the parameters or the inputs move."""

from collections.abc import Sequence
from typing import Any

from bpx._typing import Array
from bpx.inspect.requirements import check_given
from bpx.inspect.samples.gradients import errors
from bpx.model.expected import as_targets, check_targets, row_weights
from bpx.model.parameters import Gradients, Parameters
from bpx.model.skips import fed, returned
from bpx.model.spec import Spec
from bpx.model.trace import WithDeltas, WithLayers

__all__ = ["given", "moved_gradients", "pushed"]


def given(
    spec: Spec,
    parameters: Parameters,
    trace: WithLayers,
    y: Array,
    r: Array | float | None,
) -> tuple[Array, Array | float]:
    """Return the targets, shape (n, k_L), and the row weights, checked."""
    x = trace.a[0]
    check_given(spec, parameters, trace)
    check_targets(spec, parameters, x, y)
    return as_targets(spec, y, x), row_weights(x, r)


def pushed(
    spec: Spec,
    parameters: Parameters,
    trace: WithLayers,
    v: Parameters,
    ra: Array | None = None,
) -> list[Any]:
    """R0: return the derivatives of each layer's saved values as the parameters move along v.

    The inputs move along `ra`, shape (n, k_0); None means that they do not move.
    """
    moved: list[Any] = []
    carried: dict[int, Any] = {}
    layers: tuple[Any, ...] = spec.layers
    for i, layer in enumerate(layers):
        kept = trace.layers[i]
        entering = fed(spec.skips, i, ra, carried)
        moved.append(layer.r_forward(parameters.layers[i], v.layers[i], kept, entering))
        ra = layer.r_output(kept, moved[-1]) if i + 1 < len(spec.layers) else None
    return moved


def moved_gradients(
    spec: Spec,
    parameters: Parameters,
    trace: WithDeltas,
    v: Parameters,
    moved: Sequence[Any],
    y: Array,
    r: Array | float,
) -> Gradients:
    """R1 to R4: return the derivative of the gradients, with `moved` from `pushed`.

    y has shape (n, k_L).
    """
    output, deltas = trace.layers[-1], errors(trace)
    at_output = spec.output, output.z, output.a, y, moved[-1].z
    rdeltas = [spec.cost.delta_derivative(*at_output)]
    for i in reversed(range(len(deltas) - 1)):
        rdeltas.insert(0, _r2(spec, parameters, trace, v, moved, i, rdeltas))
    layers: tuple[Any, ...] = spec.layers
    each = zip(layers, trace.layers, moved, deltas, rdeltas, strict=True)
    return Gradients(layer.r_gradients(r, *those) for layer, *those in each)


def _r2(
    spec: Spec,
    parameters: Parameters,
    trace: WithDeltas,
    v: Parameters,
    moved: Sequence[Any],
    i: int,
    rdeltas: Sequence[Array],
) -> Array:
    """R{delta} of layer i, by BP2 and the product rule, from R{delta} of the layers above."""
    layers: tuple[Any, ...] = spec.layers
    layer, above, deltas = layers[i], layers[i + 1], errors(trace)[i + 1 :]
    entry, kept = parameters.layers[i + 1], trace.layers[i + 1]
    both = deltas[0], rdeltas[0]
    rg = above.r_send_back(entry, v.layers[i + 1], kept, moved[i + 1], *both)
    rg = returned(spec.skips, i + 1, rg, rdeltas)
    g = None
    if layer.bends:
        g = returned(spec.skips, i + 1, above.send_back(entry, kept, deltas[0]), deltas)
    return layer.r_error(trace.layers[i], moved[i], g, rg)
