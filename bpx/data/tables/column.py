"""A column of a table: its kind, and its values as one array of the host."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bpx.errors import InputError

__all__ = ["KINDS", "Column", "Kind", "as_text", "of_array", "of_texts"]

Kind: TypeAlias = Literal["number", "boolean", "date", "category", "text"]
KINDS: tuple[Kind, ...] = ("number", "boolean", "date", "category", "text")

_DAY = 86_400_000_000
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
        A column of texts is a category, unless more than half of its texts differ.
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
        """One of `values` as a person would write it: a text, a number, True or False."""
        if self.is_text:
            return self.levels[int(value)]
        if self.kind == "boolean":
            return bool(value)
        return int(value) if float(value).is_integer() else float(value)

    def labels(self) -> list[str | int | float | bool]:
        """Its different values, as a person would write them."""
        return [self.label(value) for value in self.distinct]

    def texts(self) -> list[str]:
        """Each cell as a table has it; an empty text where it is missing."""
        return [
            "" if missing else self._text(value)
            for value, missing in zip(self.values, self.missing, strict=True)
        ]

    def _text(self, value: Any) -> str:
        if self.kind != "date":
            return as_text(self.label(value))
        moment = datetime(1970, 1, 1) + timedelta(days=float(value))
        return str(moment.date()) if float(value).is_integer() else moment.isoformat(" ")


def as_text(value: str | int | float | bool) -> str:
    """A label as a text: what it is called in a table where others are no numbers."""
    return value if isinstance(value, str) else f"{value}"


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


def of_array(name: str, values: Any) -> Column:
    """A column of numbers, booleans, dates or texts in an array or a list; None is missing.

    Raises
    ------
    InputError
        If it is not one-dimensional, or holds something else.
    """
    array = np.asarray(values)
    if array.ndim != 1:
        raise InputError(f"column {name!r} has shape {array.shape}; expected one value a row")
    kind = array.dtype.kind
    if kind in "biuf":
        floats = array.astype(np.float64)
        return Column(name, "boolean" if kind == "b" else "number", floats, whole=kind in "iu")
    if kind == "M":
        days = array.astype("datetime64[us]").astype(np.float64) / _DAY
        return Column(name, "date", np.where(np.isnat(array), np.nan, days))
    if kind not in "USO" and kind != "T":
        raise InputError(
            f"column {name!r} has dtype {array.dtype}; expected numbers, booleans, dates or "
            "texts"
        )
    return _of_objects(name, array)


def _of_objects(name: str, array: NDArray[Any]) -> Column:
    there = [each for each in array if each is not None and each == each]
    if there and not any(isinstance(each, str) for each in there):
        column = of_array(name, np.array(there))
        if column.is_text:
            raise InputError(
                f"column {name!r} holds {type(there[0]).__name__}; expected numbers, booleans, "
                "dates or texts"
            )
        if len(there) == len(array):
            return column
        values = np.full(len(array), np.nan)
        values[[each is not None and each == each for each in array]] = column.values
        return replace(column, values=values)
    if not all(isinstance(each, str) for each in there):
        raise InputError(f"column {name!r} mixes texts with other values; expected one kind")
    texts = [str(each) if isinstance(each, str) else "" for each in array]
    levels, codes = np.unique(np.array(texts, dtype=str), return_inverse=True)
    return of_texts(name, codes, [str(level) for level in levels])
