"""Reject columns that are implausible as inputs, and say what to do instead."""

from collections.abc import Sequence

import numpy as np

from bpx.data.tables.column import Column
from bpx.data.tables.table import Key, Table
from bpx.errors import InputError, option

__all__ = ["ALL", "check_features", "check_numbers", "is_id"]

ALL = "all"
"""Every column but the target, ids included."""
_FEWEST = 10
"""The fewest rows for an id; in fewer, distinct whole numbers may well be measurements."""
_EXACT, _MOST = 2**53, 0.9
"""Ids above `_EXACT` are rounded, so some may be equal; this fraction must differ."""


def check_features(table: Table, places: Sequence[int], asked: bool) -> None:
    """Raise InputError for columns that a network would memorize, or cannot learn from.

    Parameters
    ----------
    table : Table
    places : sequence of int
        The indices of the features' columns.
    asked : bool
        Whether the caller named each of them; then ids are allowed.

    Raises
    ------
    InputError
        If a column has no name, counts the rows, is an id, or is free text.
    """
    for i in places:
        column = table.columns[i]
        name = column.name
        if table.named and not name and _counts(column):
            raise InputError(
                f"column {i} of {table.label} has no name and counts the rows, like an index "
                f"saved with the table; {_leave_out(i)}"
            )
        if table.named and not name:
            raise InputError(
                f"column {i} of {table.label} has no name; expected one in the header, by "
                f"which the network finds it: name it, or {_leave_out(i)}"
            )
        if not asked and is_id(column):
            raise InputError(
                f"column {name!r} of {table.label} has as many different whole numbers as rows "
                f"({len(column)}), like ids, which a network would memorize; "
                f"{_leave_out(name)}, or pass {option('features', ALL)} to use it"
            )
        if column.kind == "text":
            raise InputError(
                f"column {name!r} of {table.label} is free text: {len(column.distinct)} "
                f"different texts in {len(column)} rows{_dates(column)}; {_leave_out(name)}"
            )


def check_numbers(table: Table) -> None:
    """Raise InputError if a column holds anything but numbers, or a cell is missing."""
    for column in table.columns:
        if column.is_text or column.missing.any():
            what = "texts" if column.is_text else "missing cells"
            raise InputError(
                f"column {column.name!r} of {table.label} holds {what}, but the network "
                "has no schema to encode them; expected only numbers, or a network made "
                "with schema=bpx.data.Schema.fit(table, target=...)"
            )


def is_id(column: Column) -> bool:
    """Whether a column has as many different whole numbers as rows."""
    values = column.values
    if column.kind != "number" or len(column) < _FEWEST or column.missing.any():
        return False
    whole, found = bool((values == np.floor(values)).all()), len(column.distinct)
    rounded = column.whole and np.abs(values).max() > _EXACT
    return whole and (found == len(column) or (rounded and found > _MOST * len(column)))


def _counts(column: Column) -> bool:
    values = column.values
    if column.kind != "number" or column.missing.any() or not len(values):
        return False
    return bool((values - values[0] == np.arange(len(values))).all())


def _leave_out(key: Key) -> str:
    return f"drop it with {option('drop', [key])}"


def _dates(column: Column) -> str:
    looks = all(level.count("/") == 2 or level.count(".") == 2 for level in column.levels[:50])
    if not (looks and any(c.isdigit() for c in column.levels[0])):
        return ""
    return " (write dates as 2026-01-31)"
