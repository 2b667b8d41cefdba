"""The Poisson deviance, which scikit-learn reports: bpx's cost and a term of y alone."""

from dataclasses import replace
from typing import Any

from bpx import costs
from bpx._typing import Array
from bpx.arrays.registry import namespace
from bpx.costs import Cost, Pair
from bpx.costs.cost import Formula, above_zero

__all__ = ["poisson_deviance"]


def _added(a: Array, y: Array, value: Any) -> Array:
    """value(a, y) + sum_j (y log y − y), which is 0 where the prediction is right."""
    xp = namespace(y)
    return value(a, y) + xp.sum(y * xp.log(above_zero(y)) - y, axis=-1)


def _shifted(pair: Pair) -> Pair:
    return pair._replace(value=Formula(_added, (pair.value,)))


poisson_deviance: Cost = replace(
    costs.poisson,
    name="half_poisson_deviance",
    value=Formula(_added, (costs.poisson.value,)),
    pairs=tuple((output, _shifted(pair)) for output, pair in costs.poisson.pairs),
)
"""C_x = sum_j (y log(y / a) − y + a): half the deviance of a Poisson distribution."""
