"""Tables of numbers in text: CSV and similar formats."""

import io
import os
from array import array
from collections.abc import Iterable
from itertools import chain
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bpx.data.files import PathLike, open_bytes
from bpx.data.split import HostArray, Split, as_split
from bpx.data.tables import arrow
from bpx.data.tables.layout import Layout
from bpx.data.tables.text import rows
from bpx.errors import FileFormatError, InputError, advice, option

__all__ = ["LAST", "Target", "read_csv"]

LAST = -1
Target: TypeAlias = int | str | None
_Row: TypeAlias = tuple[int, list[str]]

_LARGE = 1 << 20
"""The file size in bytes below which importing pyarrow takes longer than it saves."""
_FLOAT32_MAX = float(np.finfo(np.float32).max)


class _Table(NamedTuple):
    label: str
    names: list[str] | None
    values: NDArray[np.float64]


def read_csv(
    path: PathLike,
    *,
    target: Target = LAST,
    delimiter: str = ",",
    header: bool | None = None,
) -> Split:
    """Read a table of numbers, plain or gzip (detected from the content), as a `Split`.

    Parameters
    ----------
    path : path
        An existing file of UTF-8 text, with one line for each sample. Empty lines are
        skipped; cells may be quoted.
    target : int, str or None
        The column of the targets: its index (negative indices count from the right),
        or its name in the header; None if there is no such column.
    delimiter : str
        The single character between cells.
    header : bool or None
        Whether the first line names the columns. With None, it is a header if none
        of its cells is a number, or if `target` is a name.

    Returns
    -------
    Split
        x float32 of shape (n, d), the other columns; y of shape (n,), int32 labels if
        all targets are whole numbers, else float32; None without a target.

    Raises
    ------
    InputError
        If the file or column does not exist, or the delimiter is not one character.
    FileFormatError
        If a cell is not a finite number, a line is ragged, or the file is empty; the
        message names the file, the line and the column, both counted from 1.
    """
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise InputError(f"delimiter is {delimiter!r}; expected one character, such as ','")
    if isinstance(target, str):
        if header is False:
            raise InputError(
                f"target is the name {target!r}, but header is False; expected the index of "
                "a column, or a file with a header"
            )
        header = True
    table = _read_table(path, delimiter, header)
    if target is None:
        return as_split(table.values, None, table.label)
    column = _column(target, table)
    inputs = np.delete(table.values, column, axis=1)
    return as_split(inputs, _targets(table.values[:, column]), table.label)


def _column(target: int | str, table: _Table) -> int:
    width = int(table.values.shape[1])
    if width == 1:
        raise InputError(
            f"{table.label} has one column, which is the target, so none is left for x; "
            "expected two or more" + advice(": pass target=None to read it as x", "")
        )
    if isinstance(target, str):
        return _named(target, table)
    if not -width <= target < width:
        raise InputError(
            f"target is column {target}, but {table.label} has {width} columns; "
            f"expected an index from {-width} to {width - 1}"
        )
    return target % width


def _named(target: str, table: _Table) -> int:
    names = table.names or []
    if names.count(target) != 1:
        raise InputError(
            f"{option('target', target)} was given, but {names.count(target)} columns of "
            f"{table.label} have this name; expected one of {', '.join(map(repr, names))}"
        )
    return names.index(target)


def _targets(column: NDArray[np.float64]) -> HostArray:
    limits = np.iinfo(np.int32)
    whole = (column == np.floor(column)) & (limits.min <= column) & (column <= limits.max)
    return column.astype(np.int32) if whole.all() else column


def _read_table(path: PathLike, delimiter: str, header: bool | None) -> _Table:
    # A byte that is not UTF-8 becomes a lone surrogate, which no number contains, so it is
    # reported as a bad cell, with its line and its column.
    with (
        open_bytes(path) as source,
        io.TextIOWrapper(
            source.stream, encoding="utf-8-sig", errors="surrogateescape", newline=""
        ) as text,
    ):
        lines = rows(text, delimiter, source.label, strict=True)
        line, first = next(lines, (1, []))
        if not first:
            raise _no_numbers(1, source.label)
        named = _is_header(first, line, source.label) if header is None else header
        values = _at_once(path, Layout(delimiter, ".", None, len(first), line if named else 0))
        if values is None:
            body = lines if named else chain([(line, first)], lines)
            values = _values(body, len(first), source.label)
    return _Table(source.label, [cell.strip() for cell in first] if named else None, values)


def _at_once(path: PathLike, layout: Layout) -> NDArray[np.float64] | None:
    """Read the numbers of a large file with pyarrow, or return None.

    None if pyarrow is not installed or a cell is not a number. Then the cells are read one by
    one, which gives the same values, or an error that names the bad cell.
    """
    if os.path.getsize(path) < _LARGE or not arrow.is_there():
        return None
    values = arrow.read_numbers(path, layout)
    if values is None or not len(values):
        return None
    return values if np.abs(values).max() <= _FLOAT32_MAX else None


def _is_header(cells: list[str], line: int, label: str) -> bool:
    numbers = [_is_number(cell) for cell in cells]
    if any(numbers) and not all(numbers):
        column = numbers.index(False)
        raise FileFormatError(
            f"{label}, line {line}, column {column + 1}: {cells[column]!r:.60} is not a "
            f"number; expected numbers, or names only: {option('header', True)} if these "
            "are names"
        )
    return not any(numbers)


def _values(body: Iterable[_Row], width: int, label: str) -> NDArray[np.float64]:
    numbers, lines = array("d"), array("q")
    for line, row in body:
        numbers.extend(_numbers(row, width, line, label))
        lines.append(line)
    if not numbers:
        raise _no_numbers(2, label)
    values = np.frombuffer(numbers).reshape(-1, width)
    _check_finite(values, lines, label)
    return values


def _no_numbers(line: int, label: str) -> FileFormatError:
    return FileFormatError(
        f"{label}, line {line}, column 1: the file ends before a line of numbers; expected "
        "one for each sample: it is empty or truncated, get a fresh copy"
    )


def _numbers(row: list[str], width: int, line: int, label: str) -> "array[float]":
    if len(row) != width:
        raise FileFormatError(
            f"{label}, line {line}, column {min(len(row), width) + 1}: the line has "
            f"{len(row)} columns, but the first has {width}; expected the same in every line"
        )
    try:
        numbers = array("d", map(float, row))
    except ValueError:
        numbers = array("d")
    if not numbers or "_" in "".join(row):  # float() accepts 1_000, tables do not
        column = [_is_number(cell) for cell in row].index(False)
        raise FileFormatError(
            f"{label}, line {line}, column {column + 1}: {row[column]!r:.60} is not a number; "
            "expected numbers in every cell: remove the line or the column, encode classes as "
            "0, 1, 2, ..., or name the delimiter"
        )
    return numbers


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def _check_finite(values: NDArray[np.float64], lines: "array[int]", label: str) -> None:
    finite = np.abs(values) <= _FLOAT32_MAX
    if not finite.all():
        row, column = np.unravel_index(int(np.argmin(finite)), values.shape)
        raise FileFormatError(
            f"{label}, line {lines[int(row)]}, column {column + 1}: {values[row, column]} is "
            "not finite as float32; expected finite numbers: replace it or remove the line"
        )
