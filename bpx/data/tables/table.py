"""`Table`: named columns of every kind, before they become numbers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Integral
from typing import TYPE_CHECKING, Any, TypeAlias

from numpy.typing import NDArray

from bpx.data.tables.column import Column
from bpx.errors import InputError, nearest

if TYPE_CHECKING:
    from bpx.data.tables.layout import Layout

__all__ = ["Key", "Table", "in_words", "listed"]

Key: TypeAlias = str | int
"""A column's name, or its index; negative indices count from the right."""


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of equal length, one row for each sample; see `read_table` and `as_table`.

    Attributes
    ----------
    columns : tuple of Column
    named : bool
        Whether the names come from a header. Without one, the names are the columns' indices,
        ``"0"``, ``"1"``, ..., which they keep when other columns are dropped.
    label : str
        Its name in messages: a file's name.
    layout : Layout or None
        The layout of the file that it was read from.

    Raises
    ------
    InputError
        If there are no columns, their lengths differ, or two have the same name.
    """

    columns: tuple[Column, ...]
    named: bool = True
    label: str = "the table"
    layout: "Layout | None" = None

    def __post_init__(self) -> None:
        lengths = {len(column) for column in self.columns}
        if len(lengths) != 1:
            raise InputError(
                f"{self.label} has columns of "
                f"{' and '.join(map(str, sorted(lengths))) or 'no'} rows; expected at least "
                "one column, and all of one length"
            )
        twice = [name for name, count in Counter(self.names).items() if count > 1 and name]
        if twice:
            raise InputError(
                f"{self.label} has several columns called {listed([repr(n) for n in twice])}; "
                "expected names that differ: rename them"
            )

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.columns[0])

    def __getitem__(self, key: Key) -> Column:
        return self.columns[self.position(key)]

    def __repr__(self) -> str:
        kinds = Counter(column.kind for column in self.columns)
        told = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
        return f"<bpx.data.Table {self.label}, {len(self):,} rows, columns: {told}>"

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the columns; a column without a name has ``""``."""
        return tuple(column.name for column in self.columns)

    def position(self, key: Key) -> int:
        """Return the index of a column, given by name or by index; names take precedence.

        Raises
        ------
        InputError
            If the column does not exist, or several have this name.
        """
        name = self._name(key)
        places = [] if name is None else self._places.get(name, [])
        if len(places) == 1:
            return places[0]
        if len(places) > 1:
            raise InputError(
                f"{len(places)} columns of {self.label} are called {key!r}; expected names "
                f"that differ: name a column by its index, {' or '.join(map(str, places))}"
            )
        return self._index(key)

    def without(self, keys: Sequence[Key]) -> "Table":
        """Return the table without some columns."""
        left = {self.position(key) for key in keys}
        kept = tuple(c for i, c in enumerate(self.columns) if i not in left)
        if not kept:
            raise InputError(f"no column of {self.label} is left; expected at least one")
        return replace(self, columns=kept)

    def only(self, keys: Sequence[Key]) -> "Table":
        """Return some columns of the table, in the given order."""
        return replace(self, columns=tuple(self[key] for key in keys))

    def at(self, places: Sequence[int]) -> "Table":
        """Return the columns at these positions."""
        return replace(self, columns=tuple(self.columns[i] for i in places))

    def take(self, rows: NDArray[Any] | slice) -> "Table":
        """Return some rows of the table, by index, by mask or by slice."""
        return replace(self, columns=tuple(column.take(rows) for column in self.columns))

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        places: dict[str, list[int]] = {}
        for i, name in enumerate(self.names):
            places.setdefault(name, []).append(i)
        return places

    def _name(self, key: Key) -> str | None:
        """Return a key's name, if any; without a header, an index of at least 0 is a name."""
        is_own = not self.named and isinstance(key, Integral) and key >= 0
        return str(key) if is_own or isinstance(key, str) else None

    def _index(self, key: Key) -> int:
        width = len(self.columns)
        try:
            index = int(key)
        except (TypeError, ValueError):
            index = width
        if not self.named and index >= 0:  # as a name, it would have been found
            index = width
        if not -width <= index < width:
            near = nearest(key, self.names) if isinstance(key, str) else ""
            rows = "" if isinstance(key, str) else "; for rows, use table.take(rows)"
            raise InputError(
                f"{self.label} has no column {key!r}{near}; it has {width}: "
                f"{listed(self.names)}{rows}"
            )
        return index % width


def listed(names: Sequence[object], most: int = 12) -> str:
    """Join names with commas; if there are many, the first ones and the number of others."""
    shown = ", ".join(str(name) or "(no name)" for name in names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown


def in_words(names: Sequence[str]) -> str:
    """Name columns in a message: "the columns 'a', 'b'"."""
    return f"the column{'s' if len(names) > 1 else ''} {listed([repr(n) for n in names])}"
