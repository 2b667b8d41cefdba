"""A column of a table: its kind, and its values as one array of the host."""

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
"""Microseconds of a day."""
_FEW = 20
"""Up to so many different texts are a category, however few the rows."""


@dataclass(frozen=True, eq=False)
class Column:
    """One column, missing cells and all.

    Attributes
    ----------
    name : str
        As in the header; of a table without one, the column's index.
    kind : {"number", "boolean", "date", "category", "text"}
        A column of texts is a category, unless more than half of its texts differ. Times of
        day and durations are numbers, of seconds.
    values : ndarray, shape (n,)
        Of numbers, booleans (0 and 1) and dates (days since 1970-01-01): float64, NaN where a
        cell is missing. Of texts: int32 indices into `levels`, -1 where a cell is missing.
    levels : tuple of str
        The different texts, sorted.
    whole : bool
        Whether all numbers were written as whole ones: 3, and not 3.0.
    """

    name: str
    kind: Kind
    values: NDArray[Any]
    levels: tuple[str, ...] = ()
    whole: bool = False

    def __len__(self) -> int:
        return len(self.values)

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

    def take(self, rows: NDArray[Any]) -> "Column":
        """Some rows of it, by index or by mask; the levels stay."""
        return replace(self, values=self.values[rows])

    def label(self, value: Any) -> str | int | float | bool:
        """One of `values` as a person would write it: a text, a date, a number, or True."""
        if self.is_text:
            return self.levels[int(value)]
        if self.kind == "boolean":
            return bool(value)
        if self.kind == "date":
            return _date_text(float(value))
        return int(value) if float(value).is_integer() else float(value)

    def labels(self) -> list[str | int | float | bool]:
        """Its different values, as a person would write them."""
        return [self.label(value) for value in self.distinct]

    def texts(self) -> list[str]:
        """Each cell as a table has it; an empty text where it is missing."""
        return [
            "" if missing else as_text(self.label(value))
            for value, missing in zip(self.values, self.missing, strict=True)
        ]

    def places(self, levels: Sequence[str]) -> NDArray[np.intp]:
        """The index among `levels` of each cell, shape (n,); -1 where it is none, or missing.

        In a table where all cells are numbers, dates or booleans they are read as such, and
        how they were written is lost: there 1 is the level ``"01"``, too, and True ``"true"``.
        """
        place = {each: i for i, each in enumerate(levels)}
        if self.is_text:
            known = [place.get(each, -1) for each in self.levels]
            return np.array([*known, -1])[self.values]  # the last is what -1 picks
        alike = {_meant(each): i for i, each in reversed([*enumerate(levels)])}
        values, inverse = np.unique(self.values, return_inverse=True)
        texts = ["" if np.isnan(v) else as_text(self.label(v)) for v in values]
        found = [place.get(each, alike.get(_meant(each), -1)) for each in texts]
        return np.array(found, np.intp)[inverse]


def as_text(value: str | int | float | bool) -> str:
    """A label as a text: what it is called in a table where others are no numbers."""
    return value if isinstance(value, str) else f"{value}"


def level(value: Any) -> str | None:
    """A value of a categorical column as a text; None if it cannot be one."""
    if isinstance(value, str | bool):
        return as_text(value)
    if isinstance(value, date):
        moment = value if isinstance(value, datetime) else datetime(*value.timetuple()[:3])
        return _moment_text(moment.replace(tzinfo=None))
    if isinstance(value, int | float):
        return as_text(int(value) if float(value).is_integer() else value)
    return None


def numbers(name: str, values: NDArray[np.float64], label: str, whole: bool) -> Column:
    """A column of numbers, NaN where one is missing.

    Raises
    ------
    InputError
        If a number is infinite.
    """
    infinite = np.isinf(values)
    if infinite.any():
        raise InputError(
            f"{label}: column {name!r} is infinite in row {int(infinite.argmax()) + 1}; "
            "expected finite numbers, or an empty cell where a value is missing"
        )
    return Column(name, "number", values, whole=whole)


def of_texts(name: str, codes: NDArray[Any], levels: Sequence[str]) -> Column:
    """A column of texts, given as indices into `levels`, in any order; -1 is missing.

    Spaces around a text are no part of it, and a text of spaces alone is missing.
    """
    stripped = [level.strip() for level in levels]
    kept = sorted({level for level in stripped if level})
    place = {level: i for i, level in enumerate(kept)}
    # The last entry is what -1 picks.
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
    """What is the same however a number or a boolean is written."""
    lower = text.strip().lower()
    if lower in ("true", "false"):
        return lower
    try:
        return text if "_" in text else float(text)
    except ValueError:
        return text
