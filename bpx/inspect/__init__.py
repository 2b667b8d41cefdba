"""What a trace tells: each file a subject, each function pure, from a trace to arrays.

As z, a and delta of every layer and every sample are plain arrays, what other libraries
need hooks or further passes for is arithmetic here, exact and on every backend.
"""

from bpx.inspect import plots
from bpx.inspect.alignment import Alignment, gradient_alignment, matrix_alignment
from bpx.inspect.checks import check
from bpx.inspect.comparison import Comparison, Parting, Twins, compare
from bpx.inspect.curvature import (
    empirical_fisher_vector_product,
    fisher_vector_product,
    ggn_vector_product,
    hessian_vector_product,
)
from bpx.inspect.diagnosis import Finding, diagnose
from bpx.inspect.examination import Health, examine
from bpx.inspect.ggn_diagonal import ggn_diagonal
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
from bpx.inspect.kfac import KroneckerFactors, kfac
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
from bpx.inspect.report import Report, Row
from bpx.inspect.vectors import flatten, unflatten

__all__ = [
    "Alignment",
    "Comparison",
    "Finding",
    "Health",
    "KroneckerFactors",
    "Limits",
    "Moments",
    "Parting",
    "Report",
    "Response",
    "Row",
    "Twins",
    "check",
    "compare",
    "dead_units",
    "diagnose",
    "el2n",
    "empirical_fisher_vector_product",
    "error_norms",
    "examine",
    "fisher_vector_product",
    "flatten",
    "ggn_diagonal",
    "ggn_vector_product",
    "gradient_alignment",
    "gradient_diversity",
    "gradient_norms",
    "grand",
    "hessian_vector_product",
    "individual_gradients",
    "inner_products",
    "input_sizes",
    "kfac",
    "layer_norms",
    "learning_speeds",
    "matrix_alignment",
    "moments",
    "neural_tangent_kernel",
    "output_response",
    "output_traces",
    "plots",
    "saturation",
    "tracin",
    "two_sided",
    "unflatten",
    "update_ratios",
]
