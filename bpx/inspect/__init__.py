"""What a trace tells: each file a subject, each function pure, from a trace to arrays.

As z, a and delta of every layer and every sample are plain arrays, what other libraries
need hooks or further passes for is arithmetic here, exact and on every backend.
"""

from bpx.inspect.alignment import Alignment, gradient_alignment, matrix_alignment
from bpx.inspect.checks import check
from bpx.inspect.comparison import Comparison, Parting, Twins, compare
from bpx.inspect.influence import el2n, grand, tracin
from bpx.inspect.kernel import neural_tangent_kernel, output_traces
from bpx.inspect.per_sample import (
    Moments,
    gradient_diversity,
    gradient_norms,
    individual_gradients,
    inner_products,
    layer_norms,
    moments,
)
from bpx.inspect.report import Report, Row

__all__ = [
    "Alignment",
    "Comparison",
    "Moments",
    "Parting",
    "Report",
    "Row",
    "Twins",
    "check",
    "compare",
    "el2n",
    "gradient_alignment",
    "gradient_diversity",
    "gradient_norms",
    "grand",
    "individual_gradients",
    "inner_products",
    "layer_norms",
    "matrix_alignment",
    "moments",
    "neural_tangent_kernel",
    "output_traces",
    "tracin",
]
