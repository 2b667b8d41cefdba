"""How good a network is on some samples: the mean cost and the share of right answers."""

from typing import NamedTuple

from bpx.backend import namespace
from bpx.boundary import Samples, chunks
from bpx.passes import as_targets, zs_and_activations
from bpx.spec import Parameters, Spec
from bpx.step import hits

__all__ = ["Evaluation", "evaluate"]


class Evaluation(NamedTuple):
    """A network measured on a set of samples.

    Attributes
    ----------
    cost : float
        The mean of C_x, without any penalty.
    accuracy : float or None
        The share of right answers, in [0, 1]: by the largest output, or, for a single
        sigmoid, an output above 1/2. None for real targets.
    """

    cost: float
    accuracy: float | None


def evaluate(spec: Spec, parameters: Parameters, samples: Samples) -> Evaluation:
    """Measure in chunks, so that memory does not grow with the number of samples."""
    n, xp = samples.x.shape[0], namespace(samples.x)
    cost, right = 0.0, 0.0
    for rows in chunks(spec, n):
        x, y = samples.x[rows, :], samples.y[rows, ...]
        z, a = zs_and_activations(spec, parameters, x)
        costs = spec.cost.evaluate(spec.output, z[-1], a[-1], as_targets(spec, y, x))
        answered = hits(samples.accuracy, a[-1], y)
        cost += float(xp.sum(costs))
        right += 0.0 if answered is None else float(xp.sum(answered))
    return Evaluation(cost / n, right / n if samples.accuracy else None)
