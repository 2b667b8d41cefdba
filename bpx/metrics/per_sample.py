"""Metrics that are means of one number for each sample."""

from dataclasses import dataclass
from typing import Any

from bpx._typing import A, Array
from bpx._validate import whole
from bpx.arrays.registry import namespace
from bpx.errors import InputError
from bpx.metrics.metric import Metric

__all__ = ["absolute_error", "mae", "top_k"]


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


absolute_error = Metric("absolute_error", _absolute_error, in_units=True)
mae = Metric("mae", _absolute_error, in_units=True)


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
