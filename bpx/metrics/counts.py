"""Metrics of the confusion matrix: precision, recall and F1 (van Rijsbergen 1979)."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from bpx._typing import Array
from bpx.arrays.registry import namespace
from bpx.metrics.metric import Total

__all__ = ["AVERAGED", "confusion_matrix"]

Average: TypeAlias = Literal["binary", "macro", "micro", "weighted"]
_AVERAGES: tuple[Average, ...] = ("binary", "macro", "micro", "weighted")


def _counts(found: Array, right: Array, s: Array | None) -> tuple[Array]:
    """The confusion matrix, (K, K): targets in rows, answers in columns."""
    counted = found if s is None else s[..., None] * found
    return (namespace(found).matmul(right.mT, counted),)


def _itself(matrix: Any) -> Any:
    return matrix


def _precision(right: Any, answered: Any, there: Any) -> Any:
    return _ratio(right, answered)


def _recall(right: Any, answered: Any, there: Any) -> Any:
    return _ratio(right, there)


def _f1(right: Any, answered: Any, there: Any) -> Any:
    # 2 p r / (p + r), which is 0 where both are.
    return _ratio(2.0 * right, answered + there)


def _ratio(part: Any, whole: Any) -> Any:
    """part / whole, and 0 where whole is 0."""
    return part / (whole + (whole == 0.0))


@dataclass(frozen=True)
class _Averaged:
    """A measure of each class, and how the classes are averaged."""

    of_class: Any
    average: Average

    def __call__(self, matrix: Any) -> float:
        right = namespace(matrix).linalg.diagonal(matrix)
        answered, there = matrix.sum(axis=0), matrix.sum(axis=1)
        if self.average == "micro":
            return float(self.of_class(right.sum(), answered.sum(), there.sum()))
        each = self.of_class(right, answered, there)
        if self.average == "binary":
            return float(each[1])
        if self.average == "weighted":
            return float((each * there).sum() / there.sum())
        occurs = (answered + there) > 0.0
        return float(each.sum() / occurs.sum())


def _averaged(name: str, of_class: Any, average: Average) -> Total:
    instead = tuple(f"{name}_{each}" for each in _AVERAGES[1:])
    if average == "binary":
        return Total(name, _counts, _Averaged(of_class, average), "classes", instead=instead)
    return Total(f"{name}_{average}", _counts, _Averaged(of_class, average), "classes")


confusion_matrix = Total("confusion_matrix", _counts, _itself, "classes", number=False)
AVERAGED = tuple(
    _averaged(name, of_class, average)
    for name, of_class in (("precision", _precision), ("recall", _recall), ("f1", _f1))
    for average in _AVERAGES
)
"""Precision, recall and F1: of class 1, and averaged over the classes in three ways."""
