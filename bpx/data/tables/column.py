"""`Column`: a table's column, with its kind and its values as one host array."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from bpx.errors import InputError

__all__ = ["DAY", "KINDS", "Column", "Kind", "as_text", "level", "numbers", "of_texts"]

Kind: TypeAlias = Literal["number", "boolean", "date", "category", "text"]
KINDS: tuple[Kind, ...] = get_args(Kind)

DAY = 86_400_000_000
"""The microseconds in a day."""
_FEW = 20
"""Up to this many different texts are a category, however few the rows."""


@dataclass(frozen=True, eq=False)
class Column:
    """One column, including its missing cells.

    Attributes
    ----------
    name : str
        The name in the header; without a header, the column's index.
    kind : {"number", "boolean", "date", "category", "text"}
        A column of texts is a category unless it has more than 20 different texts and their
        number exceeds half of its cells. Times of day and durations are numbers, in seconds.
    values : ndarray, shape (n,)
        For numbers, booleans (0 and 1) and dates (days since 1970-01-01): float64, NaN for
        a missing cell. For texts: int32 indices into `levels`, -1 for a missing cell.
    levels : tuple of str
        The different texts, sorted.
    whole : bool
        Whether all numbers were written as whole numbers: 3, not 3.0.
    """

    name: str
    kind: Kind
    values: NDArray[Any]
    levels: tuple[str, ...] = ()
    whole: bool = False

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        return f"<bpx.data.Column {self.name!r}, {self.kind}, {len(self):,} rows>"

    @property
    def is_text(self) -> bool:
        """Whether the values are indices into `levels`."""
        return self.kind in ("category", "text")

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Which cells are missing, shape (n,)."""
        return self.values < 0 if self.is_text else np.isnan(self.values)

    @property
    def distinct(self) -> NDArray[Any]:
        """The different values of the cells that are not missing, sorted."""
        return np.unique(self.values[~self.missing])

    def take(self, rows: NDArray[Any] | slice) -> "Column":
        """Return some rows, by index, by mask or by slice; the levels stay."""
        return replace(self, values=self.values[rows])

    def label(self, value: Any) -> str | int | float | bool:
        """Convert one of `values` to a label: a text, a date as text, a number or a boolean."""
        if self.is_text:
            return self.levels[int(value)]
        if self.kind == "boolean":
            return bool(value)
        if self.kind == "date":
            return _date_text(float(value))
        return int(value) if float(value).is_integer() else float(value)

    def labels(self) -> list[str | int | float | bool]:
        """Return its distinct values as labels."""
        return [self.label(value) for value in self.distinct]

    def texts(self) -> list[str]:
        """Return each cell as a text, empty if it is missing."""
        return [
            "" if missing else as_text(self.label(value))
            for value, missing in zip(self.values, self.missing, strict=True)
        ]

    def places(self, levels: Sequence[str]) -> NDArray[np.intp]:
        """Return each cell's index in `levels`, shape (n,); -1 if it is missing or not a level.

        A column of numbers, dates or booleans does not keep their spelling, so 1 also matches
        the level ``"01"``, and True matches ``"true"``.
        """
        place = {each: i for i, each in enumerate(levels)}
        if self.is_text:
            known = [place.get(each, -1) for each in self.levels]
            return np.array([*known, -1])[self.values]  # index -1 picks the last
        alike = {_meant(each): i for i, each in reversed([*enumerate(levels)])}
        values, inverse = np.unique(self.values, return_inverse=True)
        texts = ["" if np.isnan(v) else as_text(self.label(v)) for v in values]
        found = [place.get(each, alike.get(_meant(each), -1)) for each in texts]
        return np.array(found, np.intp)[inverse]


def as_text(value: str | int | float | bool) -> str:
    """Convert a label to the text that it has in a column of texts."""
    return value if isinstance(value, str) else f"{value}"


def level(value: Any) -> str | None:
    """Convert a value of a categorical column to a text; None if its type is unsupported."""
    if isinstance(value, str | bool):
        return as_text(value)
    if isinstance(value, date):
        moment = value if isinstance(value, datetime) else datetime(*value.timetuple()[:3])
        return _moment_text(moment.replace(tzinfo=None))
    if isinstance(value, int | float):
        return as_text(int(value) if float(value).is_integer() else value)
    return None


def numbers(name: str, values: NDArray[np.float64], label: str, whole: bool) -> Column:
    """Make a column of numbers, with NaN for missing ones.

    Raises
    ------
    InputError
        If a number is infinite.
    """
    infinite = np.isinf(values)
    if infinite.any():
        raise InputError(
            f"{label}: column {name!r} is infinite in row {int(infinite.argmax()) + 1}, "
            "counted from 1; expected finite numbers, or empty cells for missing values"
        )
    return Column(name, "number", values, whole=whole)


def of_texts(name: str, codes: NDArray[Any], levels: Sequence[str]) -> Column:
    """Make a column of texts from indices into `levels`, in any order; -1 is missing.

    Spaces around a text are stripped, and a text of only spaces is missing.
    """
    stripped = [level.strip() for level in levels]
    kept = sorted({level for level in stripped if level})
    place = {level: i for i, level in enumerate(kept)}
    # Index -1 picks the last entry.
    moved = np.array([*(place.get(level, -1) for level in stripped), -1], dtype=np.int32)
    values = moved[codes]
    few = len(kept) <= max(_FEW, int(np.sum(values >= 0)) // 2)
    return Column(name, "category" if few else "text", values, tuple(kept))


def _date_text(days: float) -> str:
    try:
        return _moment_text(datetime(1970, 1, 1) + timedelta(days=days))
    except OverflowError:  # beyond the year 9999
        return f"day {days:g}"


def _moment_text(moment: datetime) -> str:
    whole = moment == datetime(*moment.timetuple()[:3])
    return str(moment.date()) if whole else moment.isoformat(" ")


def _meant(text: str) -> str | float:
    """Return a key that is equal for all spellings of a number or a boolean."""
    lower = text.strip().lower()
    if lower in ("true", "false"):
        return lower
    try:
        return text if "_" in text else float(text)
    except ValueError:
        return text
