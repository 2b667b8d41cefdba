"""The public names of `bpx.inspect`, which imports them on first access."""

from bpx.inspect import plots
from bpx.inspect.alignment import Alignment, gradient_alignment, matrix_alignment
from bpx.inspect.checks.check import check
from bpx.inspect.checks.report import Report, Row
from bpx.inspect.curvature.diagonal import ggn_diagonal
from bpx.inspect.curvature.kronecker import KroneckerFactors, kfac
from bpx.inspect.curvature.products import (
    empirical_fisher_vector_product,
    fisher_vector_product,
    ggn_vector_product,
    hessian_vector_product,
)
from bpx.inspect.curvature.vectors import flatten, unflatten
from bpx.inspect.health.diagnosis import Finding, diagnose
from bpx.inspect.health.examination import Health, examine
from bpx.inspect.health.limits import Limits
from bpx.inspect.health.measures import (
    Response,
    error_norms,
    learning_speeds,
    output_response,
    update_ratios,
)
from bpx.inspect.health.units import dead_units, input_sizes, saturation, two_sided
from bpx.inspect.inputs import input_gradient_product, input_gradients, input_jacobian
from bpx.inspect.samples.gradients import (
    gradient_norms,
    individual_gradients,
    inner_products,
    layer_norms,
)
from bpx.inspect.samples.influence import el2n, grand, tracin
from bpx.inspect.samples.kernel import neural_tangent_kernel, output_traces
from bpx.inspect.samples.moments import Moments, gradient_diversity, moments

__all__ = [
    "Alignment",
    "Finding",
    "Health",
    "KroneckerFactors",
    "Limits",
    "Moments",
    "Report",
    "Response",
    "Row",
    "check",
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
    "input_gradient_product",
    "input_gradients",
    "input_jacobian",
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
