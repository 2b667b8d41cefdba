"""The gradient of each sample's cost with respect to its inputs: BP2 down to a^0."""

from bpx._typing import Array
from bpx.arrays.registry import compiled, namespace
from bpx.errors import InputError
from bpx.model.expected import as_inputs, as_targets
from bpx.model.inputs import Samples, chunks
from bpx.model.parameters import Parameters
from bpx.model.passes import backward, to_inputs
from bpx.model.run import Run, saved
from bpx.model.spec import Spec

__all__ = ["input_gradients"]


def input_gradients(spec: Spec, parameters: Parameters, samples: Samples) -> Array:
    """dC_x/dx of samples at home, shape (n, k_0), in chunks, always through the transpose."""
    for number, layer in enumerate(spec.layers, 1):
        if layer.couples_samples:
            raise InputError(
                f"layer {number}, {layer.kind!r}, couples the samples of a batch, so the cost "
                "of a sample has no gradient by its own inputs alone; expected a network "
                "without such a layer"
            )
    found, plain = compiled(_gradients, 1, samples.x), spec.by_transpose()
    pairs = zip(chunks(spec, samples.x), chunks(spec, samples.y), strict=True)
    parts = [found(plain, parameters, x, y) for x, y in pairs]
    whole: Array = parts[0] if len(parts) == 1 else namespace(parts[0]).concat(parts)
    return whole


def _gradients(spec: Spec, parameters: Parameters, x: Array, y: Array) -> Array:
    x = as_inputs(x, parameters.b[0])
    run = Run(spec, parameters, saved(spec, parameters, x), as_targets(spec, y, x))
    return to_inputs(run, backward(run)[0])
