"""The evaluation of a network on samples."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, zip_longest
from types import MappingProxyType
from typing import Any, NamedTuple, Self, TypeAlias

from bpx._typing import Array
from bpx.arrays.ranks import Communicator
from bpx.arrays.registry import compiled, namespace
from bpx.metrics import AnyMetric
from bpx.model.expected import as_inputs, as_targets
from bpx.model.inputs import Samples, chunks
from bpx.model.measured import (
    Sums,
    add_part,
    check_suited,
    on_host,
    sums_of,
    value_of,
)
from bpx.model.metrics import Accuracy, answers, hits
from bpx.model.parameters import Parameters
from bpx.model.run import costs, saved
from bpx.model.spec import Spec
from bpx.model.weights import weighed

__all__ = ["Evaluation", "PartSums", "Tally", "evaluate", "try_out"]

_NONE: Mapping[str, Any] = MappingProxyType({})

PartSums: TypeAlias = tuple[int, float, float, float, list[Sums]]
"""Of a part: the number of samples, and the sums of C_x, right answers, weights and metrics."""


class Measured(NamedTuple):
    """The pair (cost, accuracy), from which `Evaluation` derives."""

    cost: float
    accuracy: float | None


class Evaluation(Measured):
    """The evaluation of a network on a set of samples.

    It is the pair (cost, accuracy): it unpacks to that pair and compares equal to it. The
    metrics are a separate attribute.

    Attributes
    ----------
    cost : float
        The mean of C_x, without any penalty. With sample weights s it is sum_x s_x C_x / n, as
        in Keras.
    accuracy : float or None
        The fraction of right answers, in [0, 1]: by the largest output or, for a single
        sigmoid, by whether the output is above 1/2. None if the targets are numbers:
        floating-point numbers that are not all 0 or 1, or any numbers if the outputs are not
        in (0, 1). With sample weights it is sum_x s_x hit_x / sum_x s_x.
    metrics : mapping of str to float or array
        Each requested metric, by name: see `bpx.metrics`. The mean over the samples is, with
        sample weights, sum_x s_x m_x / sum_x s_x. A `confusion_matrix` is a host array.
    """

    metrics: Mapping[str, Any] = _NONE

    def __new__(  # noqa: D102 - described with the class
        cls, cost: float, accuracy: float | None, metrics: Mapping[str, Any] | None = None
    ) -> Self:
        made = super().__new__(cls, cost, accuracy)
        if metrics:  # pickle cannot store the class's empty default
            made.metrics = dict(metrics)
        return made

    def __repr__(self) -> str:
        more = f", metrics={self.metrics}" if self.metrics else ""
        return f"Evaluation(cost={self.cost}, accuracy={self.accuracy}{more})"

    def _replace(self, **changed: Any) -> Self:
        return type(self)(**{**self._asdict(), "metrics": self.metrics, **changed})


def evaluate(
    spec: Spec,
    parameters: Parameters,
    samples: Samples,
    metrics: tuple[AnyMetric, ...] = (),
    ranks: Communicator | None = None,
) -> Evaluation:
    """Evaluate in chunks, so that memory does not grow with the number of samples.

    Several ranks, if given, compute some of the chunks each, and all get the result.
    """
    tally = Tally(spec, parameters, samples.accuracy, metrics, ranks)
    tally.add(samples)
    return tally.evaluation


class Tally:
    """The evaluation of samples that are added part by part.

    Parts with a multiple of `rows_at_once` samples, but for the last, give the same bits as all
    samples at once.

    Parameters
    ----------
    spec : Spec
    parameters : Parameters
    accuracy : {"argmax", "threshold", "sign", None}
        The rule for a right answer, which all parts have.
    metrics : tuple of Metric or Total
    ranks : Communicator, optional
        Several ranks that add the same samples, and share the work; to the same bits.

    Raises
    ------
    InputError
        If a metric does not suit the targets.
    """

    def __init__(
        self,
        spec: Spec,
        parameters: Parameters,
        accuracy: Accuracy,
        metrics: tuple[AnyMetric, ...] = (),
        ranks: Communicator | None = None,
    ) -> None:
        check_suited(spec, accuracy, metrics)
        self.spec, self.parameters = spec, parameters
        self.accuracy, self.metrics, self._ranks = accuracy, metrics, ranks
        self.n, self.cost, self.right, self.weights = 0, 0.0, 0.0, 0.0
        self.values: list[list[Sums]] = [[] for _ in metrics]

    def add(self, samples: Samples) -> None:
        """Add the sums over some samples."""
        ranks, parts = self._ranks, _parts(self.spec, samples)
        if ranks is None:
            self.plus(self._sums(*part) for part in parts)
            return
        own = [self._sums(*part) for part in islice(parts, ranks.rank, None, ranks.size)]
        turns = zip_longest(*ranks.gather(own))
        self.plus(each for turn in turns for each in turn if each is not None)

    def sums(self, samples: Samples) -> list[PartSums]:
        """Return the sums over each part of some samples, on the host; nothing is added."""
        return [self._sums(*part) for part in _parts(self.spec, samples)]

    def plus(self, sums: Iterable[PartSums]) -> None:
        """Add the sums over parts, in their order."""
        for n, total, answered, weight, values in sums:
            self.n += n
            self.cost += total
            self.right += answered
            self.weights += weight
            for metric, so_far, more in zip(self.metrics, self.values, values, strict=True):
                add_part(metric, so_far, more)

    def _sums(self, x: Array, y: Array, s: Array | None) -> PartSums:
        """Return the sums over a chunk, on the host."""
        summed = compiled(_summed, 3, x)
        how = self.spec, self.accuracy, self.metrics, self.parameters
        total, answered, weight, values = summed(*how, x, y, s)
        n, right = x.shape[0], 0.0 if answered is None else float(answered)
        weights = float(n) if weight is None else float(weight)
        return n, float(total), right, weights, [on_host(each) for each in values]

    @property
    def evaluation(self) -> Evaluation:
        """The evaluation of all samples so far."""
        each = zip(self.metrics, self.values, strict=True)
        found = {metric.name: value_of(metric, parts, self.weights) for metric, parts in each}
        accuracy = self.right / self.weights if self.accuracy else None
        return Evaluation(self.cost / self.n, accuracy, found)


def _parts(spec: Spec, samples: Samples) -> Iterator[tuple[Array, Array, Array | None]]:
    """Split x, y and the weights into chunks."""
    x, y, s = chunks(spec, samples.x), chunks(spec, samples.y), samples.s
    if s is None:
        return ((*each, None) for each in zip(x, y, strict=True))
    return zip(x, y, chunks(spec, s), strict=True)


def try_out(
    spec: Spec, parameters: Parameters, samples: Samples, metrics: tuple[AnyMetric, ...]
) -> None:
    """Try metrics on a few samples, and refuse one that returns a wrong shape or dtype.

    It uses one more sample than there are outputs, if there are that many, so that (k_L,)
    differs from (n,).

    Raises
    ------
    InputError
        Naming the metric.
    """
    if metrics:
        x, y = (each[: spec.sizes[-1] + 1, ...] for each in (samples.x, samples.y))
        evaluate(spec, parameters, Samples(x, y, samples.accuracy), metrics)


def _summed(
    spec: Spec,
    accuracy: Accuracy,
    metrics: tuple[AnyMetric, ...],
    parameters: Parameters,
    x: Array,
    y: Array,
    s: Array | None,
) -> tuple[Array, Array | None, Array | None, tuple[tuple[Array, ...], ...]]:
    """Sum the costs, the right answers, the weights, and each metric."""
    xp, x = namespace(x), as_inputs(x, parameters.like)
    output = saved(spec, parameters, x)[-1]
    answered = weighed(s, hits(accuracy, output.a, answers(accuracy, x, y)))
    summed = xp.sum(weighed(s, costs(spec, output, as_targets(spec, y, x))))
    values = tuple(sums_of(each, spec, accuracy, output.a, y, s) for each in metrics)
    sums = (None if each is None else xp.sum(each) for each in (answered, s))
    return summed, *sums, values
