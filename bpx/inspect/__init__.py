"""What a trace tells: each file a subject, each function pure, from a trace to arrays.

As z, a and delta of every layer and every sample are plain arrays, what other libraries
need hooks or further passes for is arithmetic here, exact and on every backend.
"""

from bpx.inspect import plots
from bpx.inspect.diagnosis import Finding, diagnose
from bpx.inspect.examination import Health, examine
from bpx.inspect.health import (
    Response,
    dead_units,
    error_norms,
    input_sizes,
    learning_speeds,
    output_response,
    saturation,
    two_sided,
    update_ratios,
)
from bpx.inspect.influence import el2n, grand, tracin
from bpx.inspect.kernel import neural_tangent_kernel, output_traces
from bpx.inspect.limits import Limits
from bpx.inspect.per_sample import (
    Moments,
    gradient_diversity,
    gradient_norms,
    individual_gradients,
    inner_products,
    layer_norms,
    moments,
)

__all__ = [
    "Finding",
    "Health",
    "Limits",
    "Moments",
    "Response",
    "dead_units",
    "diagnose",
    "el2n",
    "error_norms",
    "examine",
    "gradient_diversity",
    "gradient_norms",
    "grand",
    "individual_gradients",
    "inner_products",
    "input_sizes",
    "layer_norms",
    "learning_speeds",
    "moments",
    "neural_tangent_kernel",
    "output_response",
    "output_traces",
    "plots",
    "saturation",
    "tracin",
    "two_sided",
    "update_ratios",
]
