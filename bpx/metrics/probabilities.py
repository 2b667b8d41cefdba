"""Metrics of probabilities: the log-loss, the Brier score, and the calibration error."""

from dataclasses import dataclass
from typing import Any

from bpx._typing import Array
from bpx._validate import whole
from bpx.arrays.registry import namespace
from bpx.metrics.metric import Total

__all__ = ["brier", "calibration_error", "log_loss"]

_BINS = 15


def _weighed(values: Array, s: Array | None) -> tuple[Array, Array]:
    """The sum of the weights, and that of one number for each sample."""
    xp = namespace(values)
    weights = xp.ones_like(values) if s is None else s
    return xp.sum(weights, axis=-1), xp.sum(weights * values, axis=-1)


def _log_losses(p: Array, y: Array, s: Array | None) -> tuple[Array, Array]:
    # As in scikit-learn, probabilities are at least the dtype's epsilon.
    xp = namespace(p)
    least = float(xp.finfo(p.dtype).eps)
    right = xp.sum(p * y, axis=-1)
    return _weighed(-xp.log(xp.clip(right, least, 1.0 - least)), s)


def _squared(p: Array, y: Array, s: Array | None) -> tuple[Array, Array]:
    xp, off = namespace(p), p - y
    share = 0.5 if p.shape[-1] == 2 else 1.0  # two classes are off by the same
    return _weighed(share * xp.sum(off * off, axis=-1), s)


def _mean(weight: Any, total: Any) -> float:
    return float(total / weight)


@dataclass(frozen=True)
class _Binned:
    """For each bin of the confidence: the weight, the confidence, and the right answers."""

    bins: int

    def __call__(self, p: Array, y: Array, s: Array | None) -> tuple[Array, ...]:
        xp = namespace(p)
        surest = xp.max(p, axis=-1)
        device = getattr(p, "device", None)
        first = xp.argmax(p, axis=-1, keepdims=True)
        classes = xp.arange(p.shape[-1], dtype=first.dtype, device=device)
        answer = xp.astype(classes == first, p.dtype)
        right = xp.sum(answer * y, axis=-1)
        place = xp.clip(xp.floor(self.bins * surest), 0.0, self.bins - 1.0)
        numbers = xp.arange(self.bins, dtype=p.dtype, device=device)
        each = xp.astype(place[..., None] == numbers, p.dtype)
        each = each if s is None else s[..., None] * each
        sums = (xp.sum(value[..., None] * each, axis=-2) for value in (surest, right))
        return xp.sum(each, axis=-2), *sums


def _miscalibrated(weight: Any, confidence: Any, right: Any) -> float:
    return float(abs(confidence - right).sum() / weight.sum())


log_loss = Total("log_loss", _log_losses, _mean, "probabilities")
brier = Total("brier", _squared, _mean, "probabilities")


def calibration_error(bins: int = _BINS) -> Total:
    """Return the expected calibration error (Guo et al. 2017): 0 if p is right p of the time.

    The samples are grouped by their largest probability, the confidence, into bins of equal
    width. It is the mean over the samples of the distance between the confidence and the
    fraction of right answers in their bin.

    Parameters
    ----------
    bins : int
        The number of bins, at least 1.

    Raises
    ------
    InputError
        If it is not such an integer.

    Examples
    --------
    >>> bpx.metrics.calibration_error(10).name
    'calibration_error_10'
    """
    bins = whole("bins", bins, 1, None, "a whole number of at least 1")
    name = "calibration_error" if bins == _BINS else f"calibration_error_{bins}"
    return Total(name, _Binned(bins), _miscalibrated, "probabilities")
