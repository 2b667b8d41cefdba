"""Metrics of a network's outputs: what each is given, its sums, and its value."""

from collections.abc import Sequence
from operator import add
from typing import Any, TypeAlias

from bpx._typing import Array
from bpx.activations import ACTIVATIONS
from bpx.arrays.registry import namespace
from bpx.arrays.transfer import to_host
from bpx.errors import InputError
from bpx.metrics import AnyMetric, Metric
from bpx.model.expected import as_targets
from bpx.model.metrics import Accuracy, single_rule
from bpx.model.spec import Spec
from bpx.model.weights import weighed

__all__ = ["Sums", "add_part", "check_suited", "decided", "on_host", "sums_of", "value_of"]

Sums: TypeAlias = tuple[Any, ...]
"""The sums of a metric over some samples, host arrays in float64."""


def check_suited(spec: Spec, accuracy: Accuracy, metrics: Sequence[AnyMetric]) -> None:
    """Refuse metrics that need classes, probabilities or two classes where there are none.

    Raises
    ------
    InputError
        Naming the metric, and what to use.
    """
    for metric in metrics:
        if isinstance(metric, Metric) or metric.needs == "outputs":
            continue
        if accuracy is None:
            raise InputError(
                f"the metric {metric.name!r} was given targets that are numbers; it needs "
                "classes: labels, one-hot rows, or 0 and 1 for a single sigmoid output"
            )
        if metric.needs == "probabilities" and not _gives_probabilities(spec):
            raise InputError(
                f"the metric {metric.name!r} needs probabilities that sum to 1; the output, "
                f"{spec.output.name}, gives others: use softmax, or a single sigmoid output"
            )
        if metric.instead and spec.sizes[-1] > 2:
            raise InputError(
                f"the metric {metric.name!r} is for two classes, but the network has "
                f"{spec.sizes[-1]}; use {' or '.join(metric.instead)}"
            )


def decided(a: Array, single: Accuracy = "threshold") -> Array:
    """The index of each row's largest output: (n,), int32.

    With a single output, it is whether that is > 1/2 or, where `single` is "sign", > 0.
    """
    xp = namespace(a)
    least = 0.0 if single == "sign" else 0.5
    labels = xp.argmax(a, axis=-1) if a.shape[-1] > 1 else a[..., 0] > least
    return xp.astype(labels, xp.int32)


def sums_of(
    metric: AnyMetric, spec: Spec, accuracy: Accuracy, a: Array, y: Array, s: Array | None
) -> tuple[Array, ...]:
    """The sums of a metric over some samples."""
    if isinstance(metric, Metric):
        return (namespace(a).sum(weighed(s, metric.measured(a, y))),)
    if metric.needs == "outputs":
        return metric.sums(a, as_targets(spec, y, a), s)
    right = _rows(as_targets(spec, y, a))
    if metric.needs == "classes":
        classes = decided(a, single_rule(spec))
        return metric.sums(_one_hot(classes, right), right, s)
    given = _scores(spec, a) if metric.needs == "scores" else _rows(a)
    return metric.sums(given, right, s)


def on_host(sums: Sequence[Array]) -> tuple[Any, ...]:
    """The sums as host arrays, float64."""
    return tuple(to_host(each).astype("float64") for each in sums)


def add_part(metric: AnyMetric, parts: list[Sums], more: Sums) -> None:
    """Add the sums over a part of the samples to those over the parts before it, in place.

    The parts are merged from the first to the last, so that one remains; but a metric that
    keeps a row for each sample needs all of them.
    """
    if not parts or getattr(metric, "keeps", False):
        parts.append(more)
    else:
        merge = getattr(metric, "merge", None) or _added
        parts[0] = merge(parts[0], more)


def _added(sums: Sums, more: Sums) -> Sums:
    return tuple(map(add, sums, more))


def value_of(metric: AnyMetric, parts: Sequence[tuple[Any, ...]], weight: float) -> Any:
    """The value of a metric from its sums over each part of the samples.

    Parameters
    ----------
    metric : Metric or Total
    parts : sequence of tuple of host arrays
    weight : float
        The number of all samples, or the sum of their weights.
    """
    if not isinstance(metric, Metric):
        return metric.result(parts)
    total = 0.0
    for (part,) in parts:
        total += float(part)
    return total / weight


def _gives_probabilities(spec: Spec) -> bool:
    """Whether the outputs of a row are a distribution; a custom activation's are trusted."""
    if ACTIVATIONS.get(spec.output.name) != spec.output:
        return True
    return spec.output.name == ("softmax" if spec.sizes[-1] > 1 else "sigmoid")


def _rows(p: Array) -> Array:
    """Two columns for the probability, or the target, of a single output: 1 − p and p."""
    if p.shape[-1] > 1:
        return p
    xp = namespace(p)
    second = xp.arange(2, dtype=xp.int32, device=getattr(p, "device", None)) == 1
    return xp.where(second, p, 1.0 - p)


def _one_hot(classes: Array, like: Array) -> Array:
    xp, device = namespace(like), getattr(like, "device", None)
    numbers = xp.arange(like.shape[-1], dtype=xp.int32, device=device)
    return xp.astype(classes[..., None] == numbers, like.dtype)


def _scores(spec: Spec, a: Array) -> Array:
    """What ranks the samples: of the second of two classes, or of each of several."""
    if a.shape[-1] != 2:
        return a
    return a[..., 1:] if _gives_probabilities(spec) else a[..., 1:] - a[..., :1]
