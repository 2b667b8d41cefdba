"""Metrics: measures of a network besides its cost and its accuracy.

A metric is a value with a `name` and ``value(a, y)`` -> (n,), one number for each sample. bpx
reports the mean over the samples, weighted by their sample weights if they have any. Metrics
do not affect training.
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
        The name of its mean in `Evaluation`.
    value : callable
        ``value(a, y)``, shape (n,), of the dtype of a: one number for each sample. y holds
        what the data hold: labels (n,), int32, if there are several outputs; or numbers, (n,)
        or (n, k_L). One-hot rows arrive as labels. Write a pure function with operators,
        `bpx.namespace` and Python numbers: it runs on every backend, and JAX compiles it.
        Samples are axis -2 and outputs axis -1; there may be a leading axis of K networks.

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
        """Return `value`, one number for each sample, after checking it.

        Raises
        ------
        InputError
            If its shape is not (n,) or its dtype is not that of a, or if y lacks the axis of
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
                "for each sample, such as a mean over axis=-1; cast booleans with "
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
        # As in argmax, the first of several equal outputs ranks highest.
        ahead = (a > right) | ((a == right) & (classes < label))
        found = xp.sum(xp.astype(ahead, xp.int32), axis=-1) < self.k
        known = right[..., 0] == right[..., 0]  # NaN has no rank
        counted: A = xp.astype(found & known, a.dtype)
        return counted


def top_k(k: int) -> Metric:
    """Return ``top_<k>``, the fraction of samples with the label among the k largest outputs.

    With k = 1 it is the accuracy for labels; with k outputs or fewer it is always 1.

    Parameters
    ----------
    k : int
        At least 1.

    Raises
    ------
    InputError
        If k is not such an integer; on evaluation, if the targets are not labels.

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
"""The built-in metrics by name."""

MetricName: TypeAlias = Literal["absolute_error", "top_5"]
"""The keys of `METRICS`, for type checkers and editors."""


def get(metric: MetricName | Metric) -> Metric:
    """Return the metric with that name, or the value itself.

    Raises
    ------
    InputError
        If the name is not a key of `METRICS`, or the value is not a hashable metric.
    """
    if isinstance(metric, str) and metric in METRICS:
        return METRICS[metric]
    if not isinstance(metric, Metric):
        near = nearest(metric, METRICS) if isinstance(metric, str) else ""
        raise InputError(
            f"there is no metric {metric!r}{near}; known: {', '.join(METRICS)}, besides the "
            "cost and the accuracy, which are always reported; or pass a "
            "bpx.metrics.Metric(name, value)"
        )
    return _hashable(metric)


def check_metrics(metrics: Any) -> tuple[Metric, ...]:
    """Return the metrics of a list, after checking that their names differ.

    Raises
    ------
    InputError
        If it is not a list, an item is not a metric, or two metrics have the same name.
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
                f"{names.count(name)} metrics are named {name!r}; keep one, or rename them"
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
    """Require targets for each of several networks, so that labels do not pass for numbers."""
    if a.ndim < 3:
        return
    labels = tuple(y.shape) == tuple(a.shape[:-1])
    if labels and a.shape[-1] > 1:
        labels = namespace(y).isdtype(y.dtype, "integral")
    if not labels and tuple(y.shape) != tuple(a.shape):
        raise InputError(
            f"the metric {name!r} was given outputs of {a.shape[0]} networks, shape "
            f"{tuple(a.shape)}, and targets of shape {tuple(y.shape)}; expected labels "
            f"{tuple(a.shape[:-1])} or numbers {tuple(a.shape)}: broadcast shared targets"
        )


def _numbers(a: Array, y: Array) -> Any:
    """The targets in the shape and dtype of a; labels become one-hot rows."""
    xp = namespace(a)
    if y.ndim == a.ndim - 1 and a.shape[-1] > 1:
        y = _classes(a, y, absolute_error.name) == y[..., None]
    return xp.astype(xp.reshape(y, a.shape), a.dtype, copy=False)


def _classes(a: Array, y: Array, name: str) -> Any:
    """The class indices 0, ..., k_L − 1, in the dtype of the labels."""
    if y.ndim != a.ndim - 1 or a.shape[-1] == 1:
        raise InputError(
            f"the metric {name!r} was given targets of shape {tuple(y.shape)} for "
            f"{a.shape[-1]} outputs; expected labels, shape {tuple(a.shape[:-1])}, and more "
            "than one output"
        )
    device = getattr(y, "device", None)
    return namespace(a).arange(a.shape[-1], dtype=y.dtype, device=device)
