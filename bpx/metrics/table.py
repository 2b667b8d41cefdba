"""The built-in metrics by name."""

from typing import Any, Literal, TypeAlias

from bpx.errors import InputError, advice, nearest
from bpx.metrics.counts import AVERAGED, confusion_matrix
from bpx.metrics.errors import r2, rmse
from bpx.metrics.metric import AnyMetric, Metric, Total
from bpx.metrics.per_sample import absolute_error, mae, top_k
from bpx.metrics.probabilities import brier, calibration_error, log_loss
from bpx.metrics.ranking import average_precision, check_installed, roc_auc, roc_auc_ovr

__all__ = ["METRICS", "MetricName", "check_metrics", "get"]

_RANKING = (roc_auc, roc_auc_ovr, average_precision)
_ALL: tuple[AnyMetric, ...] = (
    absolute_error,
    top_k(5),
    mae,
    rmse,
    r2,
    confusion_matrix,
    *AVERAGED,
    log_loss,
    brier,
    calibration_error(),
    *_RANKING,
)
METRICS: dict[str, AnyMetric] = {each.name: each for each in _ALL}

_REPORTED = ("cost", "accuracy")
_VALUES = "bpx.metrics.top_k(3), bpx.metrics.calibration_error(bins=10)"

MetricName: TypeAlias = Literal[
    "absolute_error",
    "top_5",
    "mae",
    "rmse",
    "r2",
    "confusion_matrix",
    "precision",
    "precision_macro",
    "precision_micro",
    "precision_weighted",
    "recall",
    "recall_macro",
    "recall_micro",
    "recall_weighted",
    "f1",
    "f1_macro",
    "f1_micro",
    "f1_weighted",
    "log_loss",
    "brier",
    "calibration_error",
    "roc_auc",
    "roc_auc_ovr",
    "average_precision",
]


def get(metric: MetricName | AnyMetric) -> AnyMetric:
    """Return the metric with that name, or the value itself.

    Raises
    ------
    InputError
        If the name is not a key of `METRICS`, or the value is not a hashable metric.
    """
    if isinstance(metric, str) and metric in METRICS:
        return METRICS[metric]
    if not isinstance(metric, Metric | Total):
        near = nearest(metric, METRICS) if isinstance(metric, str) else ""
        raise InputError(
            f"there is no metric {metric!r}{near}; known: {', '.join(METRICS)}, besides the "
            "cost and the accuracy, which are always reported"
            + advice(f"; or pass a value: {_VALUES} or bpx.metrics.Metric(name, value)", "")
        )
    return _hashable(metric)


def check_metrics(metrics: Any) -> tuple[AnyMetric, ...]:
    """Return the metrics of a list, after checking that their names differ.

    Raises
    ------
    InputError
        If it is not a list, an item is not a metric, two metrics have the same name, or one
        has that of the cost or the accuracy.
    """
    if not isinstance(metrics, tuple | list):
        raise InputError(
            f"metrics={metrics!r} was given; expected a list of names or bpx.metrics.Metric "
            "values, such as ['absolute_error']"
        )
    found = tuple(map(get, metrics))
    for metric in found:
        if metric in _RANKING:
            check_installed(metric.name)
    names = [each.name for each in found]
    for name in names:
        if name in _REPORTED:
            raise InputError(
                f"a metric is named {name!r}, the name of a value that is always reported; "
                "rename it"
            )
        if names.count(name) > 1:
            raise InputError(
                f"{names.count(name)} metrics are named {name!r}; keep one, or rename them"
            )
    return found


def _hashable(metric: AnyMetric) -> AnyMetric:
    try:
        hash(metric)
    except TypeError as why:
        raise InputError(
            f"the metric {metric.name!r} cannot be hashed ({why}); make its value a function, "
            "or a frozen dataclass with __call__"
        ) from None
    return metric
