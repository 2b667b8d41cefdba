"""Metrics of the order of all samples, which scikit-learn computes on the host."""

from importlib.util import find_spec
from math import nan
from typing import Any

from bpx._typing import Array
from bpx.arrays.registry import namespace
from bpx.errors import InputError
from bpx.metrics.metric import Total

__all__ = ["average_precision", "check_installed", "roc_auc", "roc_auc_ovr"]


def check_installed(name: str) -> None:
    """Refuse a metric of this file if scikit-learn is not installed.

    Raises
    ------
    InputError
        With the command that installs it.
    """
    if find_spec("sklearn") is None:
        raise InputError(
            f"the metric {name!r} needs scikit-learn, which is not installed; install it: "
            "pip install scikit-learn"
        )


def _all(a: Array, y: Array, s: Array | None) -> tuple[Array, Array, Array]:
    weights = namespace(a).ones_like(a[..., 0]) if s is None else s
    return a, y, weights


def _area(scores: Any, right: Any, weights: Any) -> float:
    from sklearn.metrics import roc_auc_score

    if not _occur(right, weights):
        return nan
    return float(roc_auc_score(right[:, 1], scores[:, 0], sample_weight=weights))


def _areas(scores: Any, right: Any, weights: Any) -> float:
    """The mean over the classes of the area for each class against the rest."""
    from sklearn.metrics import roc_auc_score

    if not _occur(right, weights):
        return nan
    if right.shape[1] == 2:
        return _area(scores, right, weights)
    return float(roc_auc_score(right, scores, average="macro", sample_weight=weights))


def _precisions(scores: Any, right: Any, weights: Any) -> float:
    from sklearn.metrics import average_precision_score

    if not _occur(right, weights):
        return nan
    return float(average_precision_score(right[:, 1], scores[:, 0], sample_weight=weights))


def _occur(right: Any, weights: Any) -> bool:
    """Whether each class has a sample that counts."""
    return bool((weights @ right > 0.0).all())


roc_auc = Total("roc_auc", _all, _area, "scores", keeps=True, instead=("roc_auc_ovr",))
roc_auc_ovr = Total("roc_auc_ovr", _all, _areas, "scores", keeps=True)
average_precision = Total(
    "average_precision", _all, _precisions, "scores", keeps=True, instead=("roc_auc_ovr",)
)
