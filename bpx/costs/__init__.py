"""Costs: the cost of each sample, its gradient with respect to a^L, and the stable pairs.

C = (1/n) sum_x C_x. A cost is a value with a `name`, ``value(a, y)`` -> (n,) and
``grad_a(a, y)`` -> (n, k). Where the output's activation undoes the cost's logarithms,
the cost and delta^L have closed forms in the logits z^L that neither overflow nor cancel.
Such a `Pair`, selected by the activation, replaces ``value`` and BP1.

Some costs have parameters: `huber`, `quantile`, `cross_entropy`, `binary_focal`,
`categorical_focal` and `focal` return one. Wherever a name is expected, so is the text of
such a call, as in ``"huber(delta=0.5)"``, which is also the name in files.
"""

from typing import TypeAlias

from bpx.costs import entropies, margins, regression, table
from bpx.costs.choice import Choice
from bpx.costs.cost import Cost
from bpx.costs.entropies import cross_entropy
from bpx.costs.focal import binary_focal, categorical_focal, focal
from bpx.costs.regression import huber, quantile
from bpx.costs.table import built_in, check_width, get
from bpx.pairs import Pair

__all__ = [
    "CHOICES",
    "COSTS",
    "BuiltInCost",
    "Choice",
    "Cost",
    "CostName",
    "Pair",
    "binary_cross_entropy",
    "binary_focal",
    "built_in",
    "categorical_cross_entropy",
    "categorical_focal",
    "categorical_hinge",
    "check_width",
    "cross_entropy",
    "focal",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mae",
    "poisson",
    "quadratic",
    "quantile",
]

quadratic = regression.quadratic
"""C_x = 1/2 sum_j (a_j - y_j)^2."""
mae = regression.mae
"""C_x = sum_j abs(a_j - y_j), the absolute error; its gradient at a_j = y_j is 0."""
log_cosh = regression.log_cosh
"""C_x = sum_j log cosh(a_j - y_j)."""
poisson = regression.poisson
"""C_x = sum_j (a_j - y_j log a_j), for counts y_j with the mean a_j.

It is -log p(y | a) of the Poisson distribution without log y_j!, and may be negative.
"""
binary_cross_entropy = entropies.binary_cross_entropy
"""C_x = -sum_j (y_j log a_j + (1 - y_j) log(1 - a_j)), the book's cross-entropy."""
categorical_cross_entropy = entropies.categorical_cross_entropy
"""C_x = -sum_j y_j log a_j, the book's log-likelihood cost."""
kl_divergence = entropies.kl_divergence
"""C_x = sum_j y_j log(y_j / a_j), which is 0 at a = y (Kullback and Leibler 1951).

It is the categorical cross-entropy minus the entropy of y, and has the same gradient.
"""
hinge = margins.hinge
"""C_x = sum_j max(0, 1 - (2 y_j - 1) a_j), for targets of 0 and 1 (Cortes and Vapnik 1995).

The answer of a single output is its sign.
"""
categorical_hinge = margins.categorical_hinge
"""C_x = max_j (a_j + 1 - y_j) - a_y for the right class y (Crammer and Singer 2001)."""
COSTS = table.COSTS
"""The built-in costs by name; ``"cross_entropy"`` and ``"focal"`` select one of two by the
activation. Costs with parameters have their defaults, which never change: files name them."""
BuiltInCost: TypeAlias = table.BuiltInCost
"""The keys of `COSTS`, for type checkers and editors."""
CostName: TypeAlias = table.CostName
"""The name of a network's cost: a key of `COSTS`, ``"cross_entropy"`` or ``"focal"``."""
CHOICES = table.CHOICES
"""The names that select one of two costs by the activation."""
