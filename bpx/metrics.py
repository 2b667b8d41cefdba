"""Metrics: what a network is measured by besides its cost and its accuracy.

A metric is a value with a `name` and ``value(a, y)`` -> (n,), one number for each sample. What
is told is the mean over the samples, weighted where they have sample weights. Training takes
no notice of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from bpx._typing import A, Array
from bpx._validate import whole
from bpx.arrays.registry import namespace
from bpx.errors import InputError, nearest

__all__ = ["METRICS", "Metric", "MetricName", "absolute_error", "get", "top_k"]


@dataclass(frozen=True)
class Metric:
    """A measure of the outputs a, shape (n, k_L), against the targets y.

    Parameters
    ----------
    name : str
        What its mean is called in `Evaluation`.
    value : callable
        ``value(a, y)``, shape (n,), of the dtype of a: one number for each sample. y is as the
        data have it: labels (n,), int32, for more than one output; else numbers, (n,) or
        (n, k_L). One-hot rows arrive as labels. It is a pure function, written with operators,
        `bpx.namespace` and Python numbers: it runs on every backend, and JAX compiles it.
        Samples are axis -2 and outputs axis -1: in front there may be an axis of K networks.

    Examples
    --------
    >>> def largest(a, y):
    ...     return bpx.namespace(a).max(a, axis=-1)
    >>> confidence = bpx.metrics.Metric("confidence", largest)
    >>> net = bpx.Network([2, 3], output="softmax", cost="cross_entropy", seed=0)
    >>> found = net.evaluate([[0.0, 1.0]], [2], metrics=[confidence])
    >>> found.metrics["confidence"] > 1 / 3
    True
    """

    name: str
    value: Callable[[Any, Any], Any]

    def __repr__(self) -> str:
        return f"<bpx.metrics.Metric {self.name!r}>"

    def measured(self, a: A, y: Array) -> A:
        """One number for each sample: `value`, checked.

        Raises
        ------
        InputError
            If it is of another shape or dtype than (n,), that of a; if y has not the axis of
            K networks that a has.
        """
        _check_targets(self.name, a, y)
        given, shape = self.value(a, y), tuple(a.shape[:-1])
        if not hasattr(given, "shape") or not hasattr(given, "dtype"):
            raise InputError(
                f"value of the metric {self.name!r} gave {given!r}; expected an array of shape "
                f"{shape}, one number for each sample"
            )
        if tuple(given.shape) != shape or given.dtype != a.dtype:
            raise InputError(
                f"value of the metric {self.name!r} gave shape {tuple(given.shape)}, "
                f"{given.dtype}; expected shape {shape}, {a.dtype}: one number "
                "for each sample, such as a mean over axis=-1; cast what is true or false by "
                "bpx.namespace(a).astype(..., a.dtype)"
            )
        right: A = given
        return right


@dataclass(frozen=True)
class _TopK:
    """Whether the label is among the k largest outputs."""

    k: int

    def __call__(self, a: A, y: Array) -> A:
        xp = namespace(a)
        classes, label = _classes(a, y, f"top_{self.k}"), y[..., None]
        of_label = xp.where(classes == label, a, xp.zeros_like(a))
        right = xp.sum(of_label, axis=-1, keepdims=True)
        # As argmax does it: among equal outputs the first one is the larger.
        ahead = (a > right) | ((a == right) & (classes < label))
        found = xp.sum(xp.astype(ahead, xp.int32), axis=-1) < self.k
        known = right[..., 0] == right[..., 0]  # NaN has no rank
        counted: A = xp.astype(found & known, a.dtype)
        return counted


def top_k(k: int) -> Metric:
    """The share of samples whose label is among the k largest outputs: ``top_<k>``.

    With k = 1 it is the accuracy of labels; with k outputs or fewer it is always 1.

    Parameters
    ----------
    k : int
        At least 1.

    Raises
    ------
    InputError
        If k is no such number; on evaluation, if the targets are no labels.

    Examples
    --------
    >>> bpx.metrics.top_k(3).name
    'top_3'
    """
    k = whole("k", k, 1, None, "a whole number of at least 1")
    return Metric(f"top_{k}", _TopK(k))


def _absolute_error(a: A, y: Array) -> A:
    xp = namespace(a)
    error: A = xp.mean(xp.abs(a - _numbers(a, y)), axis=-1)
    return error


absolute_error = Metric("absolute_error", _absolute_error)
"""(1/k_L) sum_j abs(a_j − y_j), the mean over the outputs; labels count as one-hot rows."""

METRICS: dict[str, Metric] = {each.name: each for each in (absolute_error, top_k(5))}
"""The metrics by name: what `Network.evaluate`, `train` and their messages know."""

MetricName: TypeAlias = Literal["absolute_error", "top_5"]
"""The keys of `METRICS`, for type checkers and editors."""


def get(metric: MetricName | Metric) -> Metric:
    """The metric of that name, or the value itself.

    Raises
    ------
    InputError
        If the name is not one of `METRICS`, or the value is no metric that can be hashed.
    """
    if isinstance(metric, str) and metric in METRICS:
        return METRICS[metric]
    if not isinstance(metric, Metric):
        near = nearest(metric, METRICS) if isinstance(metric, str) else ""
        raise InputError(
            f"there is no metric {metric!r}{near}; known: {', '.join(METRICS)}, beside the "
            "cost and the accuracy, which are always told; or pass a "
            "bpx.metrics.Metric(name, value)"
        )
    return _hashable(metric)


def check_metrics(metrics: Any) -> tuple[Metric, ...]:
    """The metrics of a list, each with a name of its own.

    Raises
    ------
    InputError
        If it is no list, or has what is no metric, or two of one name.
    """
    if not isinstance(metrics, tuple | list):
        raise InputError(
            f"metrics={metrics!r} was given; expected a list of names or bpx.metrics.Metric "
            "values, such as ['absolute_error']"
        )
    found = tuple(map(get, metrics))
    names = [each.name for each in found]
    for name in names:
        if names.count(name) > 1:
            raise InputError(
                f"{names.count(name)} metrics are named {name!r}; leave one, or rename them"
            )
    return found


def _hashable(metric: Metric) -> Metric:
    try:
        hash(metric)
    except TypeError as why:
        raise InputError(
            f"the metric {metric.name!r} cannot be hashed ({why}); make its value a function, "
            "or a frozen dataclass with __call__"
        ) from None
    return metric


def _check_targets(name: str, a: Array, y: Array) -> None:
    """Of several networks each has targets of its own, lest labels be taken for numbers."""
    if a.ndim < 3:
        return
    labels = tuple(y.shape) == tuple(a.shape[:-1])
    if labels and a.shape[-1] > 1:
        labels = namespace(y).isdtype(y.dtype, "integral")
    if not labels and tuple(y.shape) != tuple(a.shape):
        raise InputError(
            f"the metric {name!r} was given outputs of {a.shape[0]} networks, shape "
            f"{tuple(a.shape)}, and targets of shape {tuple(y.shape)}; expected labels "
            f"{tuple(a.shape[:-1])} or numbers {tuple(a.shape)}: broadcast what they share"
        )


def _numbers(a: Array, y: Array) -> Any:
    """The targets in the shape and dtype of a; labels as one-hot rows."""
    xp = namespace(a)
    if y.ndim == a.ndim - 1 and a.shape[-1] > 1:
        y = _classes(a, y, absolute_error.name) == y[..., None]
    return xp.astype(xp.reshape(y, a.shape), a.dtype, copy=False)


def _classes(a: Array, y: Array, name: str) -> Any:
    """0, ..., k_L − 1, of the dtype of the labels."""
    if y.ndim != a.ndim - 1 or a.shape[-1] == 1:
        raise InputError(
            f"the metric {name!r} was given targets of shape {tuple(y.shape)} for "
            f"{a.shape[-1]} outputs; expected labels, shape {tuple(a.shape[:-1])}, for more "
            "than one"
        )
    device = getattr(y, "device", None)
    return namespace(a).arange(a.shape[-1], dtype=y.dtype, device=device)
