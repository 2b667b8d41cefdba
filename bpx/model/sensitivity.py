"""The gradient of each sample's cost with respect to its inputs: BP2 down to a^0."""

from bpx._typing import Array
from bpx.arrays.registry import compiled
from bpx.model.expected import as_inputs, as_targets
from bpx.model.inputs import Samples, chunks
from bpx.model.outputs import joined
from bpx.model.parameters import Parameters
from bpx.model.passes import backward, to_inputs
from bpx.model.run import Run, saved
from bpx.model.spec import Spec, check_apart

__all__ = ["input_gradients"]


def input_gradients(spec: Spec, parameters: Parameters, samples: Samples) -> Array:
    """dC_x/dx of samples at home, shape (n, k_0), in chunks, always through the transpose."""
    check_apart(spec, "the gradient with respect to the inputs")
    found, plain = compiled(_gradients, 1, samples.x), spec.by_transpose()
    pairs = zip(chunks(spec, samples.x), chunks(spec, samples.y), strict=True)
    return joined((found(plain, parameters, *pair) for pair in pairs), samples.x.shape[0])


def _gradients(spec: Spec, parameters: Parameters, x: Array, y: Array) -> Array:
    x = as_inputs(x, parameters.like)
    run = Run(spec, parameters, saved(spec, parameters, x), as_targets(spec, y, x))
    return to_inputs(run, backward(run))
