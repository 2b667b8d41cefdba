"""The text of a table: its first lines, its rows of cells, and what one cell can be."""

import csv
import re
from collections.abc import Iterable, Iterator
from typing import NoReturn

from bpx.data.files import ByteStream, PathLike, open_bytes
from bpx.errors import FileFormatError

__all__ = [
    "MISSING",
    "are_dates",
    "are_numbers",
    "head",
    "is_date",
    "is_number",
    "refuse",
    "rows",
]

MISSING = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "None", "?")
"""The cells that hold nothing."""

_LOOKED_AT = 1 << 16
_FEWEST_LINES = 30
"""The first lines of a wide table are longer than `_LOOKED_AT`."""
_MOST = 1 << 26
_POINT = re.compile(r"[ \t]*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t]*")
_COMMA = re.compile(r"[ \t]*[+-]?([0-9]+,?[0-9]*|,[0-9]+)([eE][+-]?[0-9]+)?[ \t]*")
_DATE = re.compile(r"\s*\d{4}-\d\d-\d\d.*")


def head(path: PathLike) -> tuple[str, str]:
    """The first lines of a file, none of them cut; and what to call it.

    Raises
    ------
    InputError
        If there is no such file.
    FileFormatError
        If they are not UTF-8.
    """
    with open_bytes(path) as source:
        label = source.label
        start, cut = _start(source)
    try:
        return (start[: _end(start)] if cut else start).decode("utf-8-sig"), label
    except UnicodeDecodeError as error:
        refuse(label, error)


def refuse(label: str, error: UnicodeDecodeError | None = None) -> NoReturn:
    """Raise what is said of a table that is not UTF-8."""
    where = f" ({error.reason} at byte {error.start})" if error else ""
    raise FileFormatError(
        f"{label} is not UTF-8 text{where}; expected a table in UTF-8: save it as such, or "
        "convert it with: iconv -f latin1 -t utf-8"
    ) from error


def rows(
    lines: Iterable[str], delimiter: str, label: str, *, strict: bool = False
) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, each with the line at which it ends.

    A line of spaces is empty, unless the table has one column: there it is a missing cell, but
    where reading is strict.

    Raises
    ------
    FileFormatError
        If a cell is longer than any is meant to be or, where reading is strict, its quotes
        are not closed.
    """
    reader, wide = csv.reader(lines, delimiter=delimiter, strict=strict), True
    try:
        for row in reader:
            if len(row) > 1 or (row and (row[0].strip() or not wide)):
                wide = strict or len(row) > 1
                yield reader.line_num, row
    except csv.Error as error:
        raise FileFormatError(
            f"{label}, line {reader.line_num}: a cell cannot be read ({error}); expected every "
            "quote to be closed"
        ) from error


def is_number(cell: str, decimal: str = ".") -> bool:
    """Whether a cell is a number, in the notation of a table."""
    return bool((_COMMA if decimal == "," else _POINT).fullmatch(cell))


def is_date(cell: str) -> bool:
    """Whether a cell begins as a date does, 2026-01-31."""
    return bool(_DATE.fullmatch(cell))


def are_numbers(column: Iterable[str], decimal: str) -> bool:
    """Whether all cells that are not missing are numbers, and some are there."""
    there = [cell for cell in column if cell.strip() not in MISSING]
    return bool(there) and all(is_number(cell, decimal) for cell in there)


def are_dates(column: Iterable[str]) -> bool:
    """Whether all cells that are not missing are dates, and some are there."""
    there = [cell for cell in column if cell.strip() not in MISSING]
    return bool(there) and all(map(is_date, there))


def _start(source: ByteStream) -> tuple[bytes, bool]:
    """The beginning of a file, of some lines at least; and whether there is more."""
    start = source.read(_LOOKED_AT)
    while len(start) < _MOST and max(map(start.count, (b"\n", b"\r"))) < _FEWEST_LINES:
        more = source.read(len(start) or 1)
        if not more:
            return start, False
        start += more
    return start, bool(source.read(1))


def _end(start: bytes) -> int:
    """Where the last whole line ends that is not within quotes; or all, if there is none."""
    mark = b"\n" if b"\n" in start else b"\r"
    end = start.rfind(mark) + 1
    is_open = start.count(b'"', 0, end) % 2
    while end and is_open:
        shorter = start.rfind(mark, 0, end - 1) + 1
        is_open ^= start.count(b'"', shorter, end) % 2
        end = shorter
    return end or len(start)
