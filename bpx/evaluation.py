"""How good a network is on some samples: the mean cost and the share of right answers."""

from typing import NamedTuple

from bpx._typing import Array
from bpx.backend import compiled, namespace
from bpx.boundary import Accuracy, Samples, chunks
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
    n, summed = samples.x.shape[0], compiled(_summed, 2, samples.x)
    cost, right = 0.0, 0.0
    for x, y in zip(chunks(spec, samples.x), chunks(spec, samples.y), strict=True):
        costs, answered = summed(spec, samples.accuracy, parameters, x, y)
        cost += float(costs)
        right += 0.0 if answered is None else float(answered)
    return Evaluation(cost / n, right / n if samples.accuracy else None)


def _summed(
    spec: Spec, accuracy: Accuracy, parameters: Parameters, x: Array, y: Array
) -> tuple[Array, Array | None]:
    """The sum of the costs, and of the right answers."""
    xp = namespace(x)
    z, a = zs_and_activations(spec, parameters, x)
    costs = spec.cost.evaluate(spec.output, z[-1], a[-1], as_targets(spec, y, x))
    answered = hits(accuracy, a[-1], y)
    return xp.sum(costs), None if answered is None else xp.sum(answered)
