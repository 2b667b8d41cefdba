"""What a network answers, the classes that this means, and how good it is on some samples."""

from typing import NamedTuple

from bpx._typing import Array
from bpx.activations import ACTIVATIONS
from bpx.arrays.registry import compiled, namespace
from bpx.errors import InputError
from bpx.model.expected import as_targets
from bpx.model.inputs import Samples, chunks
from bpx.model.metrics import Accuracy, hits
from bpx.model.parameters import Parameters
from bpx.model.passes import costs, saved
from bpx.model.spec import Spec

__all__ = ["Evaluation", "check_classes", "classes", "evaluate", "outputs"]


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
        total, answered = summed(spec, samples.accuracy, parameters, x, y)
        cost += float(total)
        right += 0.0 if answered is None else float(answered)
    return Evaluation(cost / n, right / n if samples.accuracy else None)


def _summed(
    spec: Spec, accuracy: Accuracy, parameters: Parameters, x: Array, y: Array
) -> tuple[Array, Array | None]:
    """The sum of the costs, and of the right answers."""
    xp = namespace(x)
    output = saved(spec, parameters, x)[-1]
    answered = hits(accuracy, output.a, y)
    summed = xp.sum(costs(spec, output, as_targets(spec, y, x)))
    return summed, None if answered is None else xp.sum(answered)


def outputs(spec: Spec, parameters: Parameters, x: Array) -> Array:
    """a^L of samples at home, shape (n, k_L): in chunks, so that the hidden ones stay small."""
    answer = compiled(_answer, 1, x)
    parts = [answer(spec, parameters, part) for part in chunks(spec, x)]
    return parts[0] if len(parts) == 1 else namespace(parts[0]).concat(parts)


def _answer(spec: Spec, parameters: Parameters, x: Array) -> Array:
    return saved(spec, parameters, x)[-1].a


def classes(a: Array) -> Array:
    """The largest output of each row, or whether a single one is above 1/2: (n,), int32."""
    xp = namespace(a)
    labels = xp.argmax(a, axis=-1) if a.shape[-1] > 1 else a[..., 0] > 0.5
    return xp.astype(labels, xp.int32)


def check_classes(spec: Spec) -> None:
    """Refuse to classify by a single output that is a number and no probability.

    Raises
    ------
    InputError
        Naming the output's activation. One of the caller's own is not second-guessed.
    """
    output = spec.output
    built_in = ACTIVATIONS.get(output.name) == output
    if spec.sizes[-1] == 1 and built_in and output.name != "sigmoid":
        raise InputError(
            f"classify was called on a network with one output, {output.name!r}, which gives "
            "numbers and no classes: use predict, or output='sigmoid'"
        )
