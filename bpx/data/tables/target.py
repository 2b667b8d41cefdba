"""`Target`: the target column of a table, with named classes or with numbers."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from bpx.data.tables.column import Column, as_text
from bpx.data.tables.feature import Scaling, spread
from bpx.data.tables.table import Table, listed
from bpx.errors import InputError, option

__all__ = [
    "TASKS",
    "Target",
    "TargetScaling",
    "Task",
    "fit_target",
    "task_of",
]

Task: TypeAlias = Literal["classes", "numbers"]
TASKS: tuple[Task, ...] = get_args(Task)
TargetScaling: TypeAlias = Scaling | Literal["mean"]

_ROWS_PER_CLASS = 20
_FEW = 10
"""Up to this many distinct texts are classes, however few the rows."""
_EXACT = 2**53
"""float64 represents all whole numbers up to this one exactly."""


@dataclass(frozen=True)
class Target:
    """The target column and its encoding.

    Attributes
    ----------
    name : str
    task : {"classes", "numbers"}
    classes : tuple of str, int, float or bool
        The classes as in the table, sorted; class i is the network's label i.
    center, scale : float
        The network learns numbers as (y - center) / scale.
    """

    name: str
    task: Task
    classes: tuple[str | int | float | bool, ...] = ()
    center: float = 0.0
    scale: float = 1.0

    @property
    def outputs(self) -> int:
        """The number of network outputs: one for numbers and for two classes."""
        return len(self.classes) if len(self.classes) > 2 else 1

    def encode(self, column: Column, label: str) -> NDArray[Any]:
        """Return labels, int32, or scaled numbers, float32, of shape (n,).

        Raises
        ------
        InputError
            If a cell is missing, is not a class of the training data, or is not a number.
        """
        missing = column.missing
        if missing.any():
            raise InputError(
                f"the target {self.name!r} of {label} is missing in row "
                f"{int(missing.argmax()) + 1}, counted from 1 ({int(missing.sum())} of "
                f"{len(column)} are); expected one for each sample: drop these rows"
            )
        return self._labels(column, label) if self.classes else self._scaled(column, label)

    def decode(self, outputs: Any) -> Any:
        """Convert outputs to the target's units; those for classes are returned unchanged."""
        return outputs if self.classes else outputs * self.scale + self.center

    def named(self, labels: NDArray[Any]) -> NDArray[Any]:
        """Return the classes of labels, shape (n,); numbers are returned unchanged."""
        return np.array(self.classes)[labels] if self.classes else labels

    def names(self) -> tuple[str, ...]:
        """Return the classes as texts."""
        return tuple(map(as_text, self.classes))

    def described(self) -> dict[str, Any]:
        """Return the target as a dictionary for a file; `restored` reads it."""
        return asdict(self)

    @classmethod
    def restored(cls, described: Mapping[str, Any]) -> Self:
        """Make a target from a file's dictionary; raise ValueError or similar if invalid."""
        made = cls(**{**described, "classes": tuple(described["classes"])})
        right = (
            isinstance(made.name, str)
            and isinstance(described["classes"], list | tuple)
            and made.task in TASKS
            and (made.task == "classes") == (len(made.classes) > 1)
            and all(isinstance(each, str | int | float) for each in made.classes)
            and len(set(made.names())) == len(made.classes)
            and all(isinstance(v, int | float) for v in (made.center, made.scale))
            and np.isfinite(made.center)
            and np.isfinite(made.scale)
            and made.scale > 0
        )
        if not right:
            raise ValueError(f"no target: {described}")
        return made

    def _labels(self, column: Column, label: str) -> NDArray[np.int32]:
        names = self.names()
        known = column.places(names)
        if (known < 0).any():
            other = column.places([*map(_other_spelling, names)])
            known = np.where(known < 0, other, known)
        if (known < 0).any():
            unknown = column.take(known < 0).labels()
            raise InputError(
                f"the target {self.name!r} of {label} has {listed(unknown)}, which the network "
                f"was not trained on; expected {listed(names)}"
            )
        return known.astype(np.int32)

    def _scaled(self, column: Column, label: str) -> NDArray[np.float32]:
        if column.is_text:
            raise InputError(
                f"the target {self.name!r} of {label} holds texts, such as "
                f"{column.levels[0]!r}; expected numbers: {option('task', 'classes')} takes "
                "texts as classes"
            )
        with np.errstate(over="ignore"):
            scaled = ((column.values - self.center) / self.scale).astype(np.float32)
        if not np.isfinite(scaled).all():
            row = int(np.isinf(scaled).argmax())
            raise InputError(
                f"the target {self.name!r} of {label} is {column.values[row]:g} in row "
                f"{row + 1}, counted from 1, which is too large; expected a number that fits "
                "float32 once it is scaled: use another unit"
            )
        return scaled


def _other_spelling(text: str) -> str:
    """Swap True and False with 1 and 0, as other files write them."""
    return {"1": "True", "0": "False", "True": "1", "False": "0"}.get(text, text)


def task_of(column: Column, table: Table) -> Task:
    """Return the task that a column implies, if that is unambiguous.

    Raises
    ------
    InputError
        If there is only one value, or the task is ambiguous.
    """
    found = column.distinct
    if len(found) < 2:
        value = f"always {column.label(found[0])}" if len(found) else "missing in every row"
        raise InputError(
            f"the target {column.name!r} of {table.label} is {value}, which leaves nothing to "
            f"learn; expected a column of several values: pass {_others(column, table)}"
        )
    count, rows = len(found), len(column)
    plenty = count > max(2, rows // _ROWS_PER_CLASS)
    if column.kind == "boolean" or (column.is_text and (not plenty or count <= _FEW)):
        return "classes"
    if column.is_text or (column.whole and plenty):
        _refuse_many(column, count, table)
    if column.kind == "date" or plenty or (found != np.floor(found)).any():
        return "numbers"
    return "classes"


def fit_target(
    column: Column, task: Task, scaling: TargetScaling, rows: NDArray[Any]
) -> Target:
    """Fit a target: the classes of the whole column, or the scale of the numbers in `rows`.

    Raises
    ------
    InputError
        If there are fewer than two classes, classes are too large for float64 to distinguish,
        the task is numbers and the column holds texts, or the scaling is "mean" and a number is
        negative.
    """
    if task == "classes":
        _check_classes(column)
        return Target(column.name, task, tuple(column.labels()))
    if column.is_text:
        raise InputError(
            f"the target {column.name!r} was given with {option('task', 'numbers')}, but holds "
            f"texts, such as {column.label(column.distinct[0])!r}; expected numbers, or "
            f"{option('task', 'classes')}"
        )
    values = column.values[rows]
    values = values[~np.isnan(values)]
    if scaling == "mean":
        return Target(column.name, task, (), 0.0, _mean(column.name, values))
    return Target(column.name, task, (), *spread(values, scaling))


def _mean(name: str, values: NDArray[np.float64]) -> float:
    """Return the mean of numbers of at least 0; 1 if all are 0."""
    if len(values) and values.min() < 0:
        raise InputError(
            f"{option('target_scaling', 'mean')} was given, but the target {name!r} has "
            f"{values.min():g}; expected numbers of at least 0, such as counts"
        )
    largest = float(values.max()) if len(values) else 0.0
    return float((values / largest).mean()) * largest if largest else 1.0


def _check_classes(column: Column) -> None:
    found = column.distinct
    if len(found) < 2:
        raise InputError(
            f"the target {column.name!r} has {len(found)} class"
            f"{'' if len(found) else 'es'}; expected two or more"
        )
    if not column.is_text and np.abs(found).max() > _EXACT:
        raise InputError(
            f"the target {column.name!r} has classes such as {found[-1]:.0f}; expected at most "
            f"{_EXACT}, since float64 rounds larger whole numbers: renumber them, or write "
            "them as texts with a leading letter"
        )


def _refuse_many(column: Column, count: int, table: Table) -> None:
    kind = "texts" if column.is_text else "whole numbers"
    other = "" if column.is_text else f" or {option('task', 'numbers')}"
    raise InputError(
        f"the target {column.name!r} of {table.label} has {count} different {kind} in "
        f"{len(column)} rows, which are many for classes; expected at most one class for "
        f"{_ROWS_PER_CLASS} rows: pass {option('task', 'classes')}{other}, or, for another "
        f"target, {_others(column, table)}"
    )


def _others(column: Column, table: Table) -> str:
    """Suggest the first columns that vary as options for the target."""
    varied = [c.name for c in table.columns if c is not column and len(c.distinct) > 1]
    return " or ".join(option("target", name) for name in varied[:3]) or "nothing: none varies"
