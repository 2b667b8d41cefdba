"""The outputs of a network, their classes, and its evaluation on samples."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType
from typing import Any, NamedTuple, Self

from bpx._typing import Array
from bpx.activations import ACTIVATIONS
from bpx.arrays.registry import backend_of, compiled, namespace
from bpx.errors import InputError, advice
from bpx.metrics import AnyMetric
from bpx.model.expected import as_inputs, as_targets
from bpx.model.inputs import Samples, chunks
from bpx.model.measured import (
    Sums,
    add_part,
    check_suited,
    decided,
    on_host,
    sums_of,
    value_of,
)
from bpx.model.metrics import Accuracy, answers, hits, single_rule
from bpx.model.parameters import Parameters
from bpx.model.run import costs, layer_by_layer, saved
from bpx.model.spec import Spec
from bpx.model.weights import weighed

__all__ = [
    "Evaluation",
    "Tally",
    "check_classes",
    "classes",
    "evaluate",
    "joined",
    "outputs",
    "try_out",
]

_NONE: Mapping[str, Any] = MappingProxyType({})


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
    spec: Spec, parameters: Parameters, samples: Samples, metrics: tuple[AnyMetric, ...] = ()
) -> Evaluation:
    """Evaluate in chunks, so that memory does not grow with the number of samples."""
    tally = Tally(spec, parameters, samples.accuracy, metrics)
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
    ) -> None:
        check_suited(spec, accuracy, metrics)
        self.spec, self.parameters = spec, parameters
        self.accuracy, self.metrics = accuracy, metrics
        self.n, self.cost, self.right, self.weights = 0, 0.0, 0.0, 0.0
        self.values: list[list[Sums]] = [[] for _ in metrics]

    def add(self, samples: Samples) -> None:
        """Add the sums over some samples."""
        how = self.spec, self.accuracy, self.metrics, self.parameters
        summed = compiled(_summed, 3, samples.x)
        for x, y, s in _parts(self.spec, samples):
            total, answered, weight, values = summed(*how, x, y, s)
            self.cost += float(total)
            self.right += 0.0 if answered is None else float(answered)
            self.weights += x.shape[0] if weight is None else float(weight)
            self.n += x.shape[0]
            for metric, parts, more in zip(self.metrics, self.values, values, strict=True):
                add_part(metric, parts, on_host(more))

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


def outputs(spec: Spec, parameters: Parameters, x: Array) -> Array:
    """a^L of samples at home, shape (n, k_L), in chunks, which keep the hidden layers small."""
    parts = chunks(spec, x)
    first = next(parts)
    if first is x:
        return _at_once(spec, parameters, x)
    answer = compiled(_answer, 1, x)
    return joined(
        (answer(spec, parameters, part) for part in chain((first,), parts)), x.shape[0]
    )


def _at_once(spec: Spec, parameters: Parameters, x: Array) -> Array:
    """a^L of few enough samples; parts of a user's own run each time, and may do anything."""
    if spec.is_own:
        found = parameters.repeats(_Outputs(spec), parameters, x)
        if found is not None:
            return found
    whole: Array = compiled(_answer, 1, x)(spec, parameters, x)
    return whole


@dataclass(frozen=True)
class _Outputs:
    """a^L of samples, as a function of the parameters and these."""

    spec: Spec

    def __call__(self, parameters: Parameters, x: Array) -> Array:
        return _answer(self.spec, parameters, x)


def joined(parts: Iterator[Array], n: int) -> Array:
    """Join the results for chunks of n samples, in their order."""
    first = next(parts)
    if first.shape[0] == n:
        return first
    if getattr(backend_of(first), "immutable", True):
        whole: Array = namespace(first).concat([first, *parts])
        return whole
    return _written(first, parts, n)


def _written(first: Array, parts: Iterator[Array], n: int) -> Array:
    """Write each part into one array as soon as it is computed.

    Keeping the parts in a list would scatter them between large temporary arrays, so that the
    system could not reuse that memory. This can cost as much as all these arrays together.
    """
    device, end = getattr(first, "device", None), first.shape[0]
    shape = n, *first.shape[1:]
    whole: Any = namespace(first).empty(shape, dtype=first.dtype, device=device)
    whole[:end, ...] = first
    del first
    for part in parts:
        whole[end : end + part.shape[0], ...] = part
        end += part.shape[0]
    return whole


def _answer(spec: Spec, parameters: Parameters, x: Array) -> Array:
    *_, last = layer_by_layer(spec, parameters, as_inputs(x, parameters.like))
    return last.a


def classes(a: Array, single: Accuracy = "threshold") -> Array:
    """The class of each row: see `bpx.model.measured.decided`."""
    return decided(a, single)


def check_classes(spec: Spec) -> None:
    """Refuse to classify by a single output that is not a probability.

    Raises
    ------
    InputError
        Naming the output's activation. A custom activation is never refused.
    """
    output = spec.output
    built_in = ACTIVATIONS.get(output.name) == output
    if spec.sizes[-1] == 1 and built_in and single_rule(spec) is None:
        raise InputError(
            f"{advice('classify was called on', '--labels was given for')} a network with one "
            f"output, {output.name!r}, which gives numbers instead of classes: "
            + advice(
                "use predict, or output='sigmoid'",
                "omit it, or train one with --output sigmoid",
            )
        )
