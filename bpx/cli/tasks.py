"""What the options of a run say about a table's target: its task, and its scaling."""

import bpx
from bpx.cli.settings import Settings
from bpx.costs import built_in
from bpx.data import Column
from bpx.data.tables.target import TargetScaling, Task

__all__ = ["target_scaling", "task"]


def task(settings: Settings, column: Column) -> Task | None:
    """Return the task that is given, or that the cost or the number of outputs implies.

    A cost for counts takes numbers. Otherwise one output does, and several are for classes.
    None if the column is not numeric, or has fewer than three distinct values: one output can
    learn these as classes or as numbers.
    """
    if settings.task is not None:
        return settings.task
    if column.kind == "number" and _expected(settings) == "nonnegative":
        return "numbers"
    layers = settings.layers
    if layers is None or column.kind != "number" or len(column.distinct) < 3:
        return None
    if layers[-1] == 1:
        return "numbers"
    return "classes" if column.whole else None


def target_scaling(settings: Settings, column: Column) -> TargetScaling | None:
    """Return the scaling of a target that keeps it in the cost's range.

    None for the scaling of the inputs.
    """
    expected = _expected(settings)
    if expected == "real" or settings.scaling == "none":
        return None
    if expected == "nonnegative" and not column.is_text and column.distinct.min() >= 0:
        return "mean"
    return "none"


def _expected(settings: Settings) -> str:
    """Return what targets the cost accepts; "real" if it is not one cost by name."""
    cost = None if settings.cost is None else built_in(settings.cost)
    return cost.targets if isinstance(cost, bpx.Cost) else "real"
