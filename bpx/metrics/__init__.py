"""Metrics: measures of a network besides its cost and its accuracy.

A `Metric` is a mean: it has a `name` and ``value(a, y)`` -> (n,), one number for each sample. A
`Total` is a function of sums over all samples, such as of the counts in a confusion matrix.
Both are weighted by the samples' weights if they have any. Metrics do not affect training.
"""

from typing import TypeAlias

from bpx.metrics import counts, errors, per_sample, probabilities, ranking, table
from bpx.metrics.metric import Metric, Total
from bpx.metrics.per_sample import top_k
from bpx.metrics.probabilities import calibration_error
from bpx.metrics.table import check_metrics, get

__all__ = [
    "METRICS",
    "AnyMetric",
    "Metric",
    "MetricName",
    "Total",
    "absolute_error",
    "average_precision",
    "brier",
    "calibration_error",
    "check_metrics",
    "confusion_matrix",
    "get",
    "log_loss",
    "mae",
    "r2",
    "rmse",
    "roc_auc",
    "roc_auc_ovr",
    "top_k",
]

absolute_error = per_sample.absolute_error
"""(1/k_L) sum_j abs(a_j − y_j), the mean over the outputs; labels count as one-hot rows."""
mae = per_sample.mae
"""The same as `absolute_error`, under its usual name."""
rmse = errors.rmse
"""The root of the mean of (a_j − y_j)², averaged over the outputs."""
r2 = errors.r2
"""1 − sum (a_j − y_j)² / sum (y_j − mean of y_j)², averaged over the outputs."""
confusion_matrix = counts.confusion_matrix
"""The number of samples of each class (row) with each answer (column), a host array."""
log_loss = probabilities.log_loss
"""The mean of −log p of the right class, with p at least the dtype's epsilon."""
brier = probabilities.brier
"""The mean of sum_j (p_j − y_j)² (Brier 1950); half of that for two classes."""
roc_auc = ranking.roc_auc
"""The area under the ROC curve for two classes, by scikit-learn; NaN without one of them."""
roc_auc_ovr = ranking.roc_auc_ovr
"""The mean over the classes of the area for each class against the rest, by scikit-learn."""
average_precision = ranking.average_precision
"""The average precision for two classes, by scikit-learn; NaN without one of them."""
AnyMetric: TypeAlias = Metric | Total
"""Either form of a metric."""
METRICS = table.METRICS
"""The built-in metrics by name."""
MetricName: TypeAlias = table.MetricName
"""The keys of `METRICS`, for type checkers and editors."""
