"""Read a table's text: its first lines, its rows of cells, and the kinds of cells."""

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
"""The cells that count as missing."""

_LOOKED_AT = 1 << 16
_FEWEST_LINES = 30
"""The fewest lines to look at; in a wide table, they can exceed `_LOOKED_AT` bytes."""
_MOST = 1 << 26
_POINT = re.compile(r"[ \t]*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t]*")
_COMMA = re.compile(r"[ \t]*[+-]?([0-9]+,?[0-9]*|,[0-9]+)([eE][+-]?[0-9]+)?[ \t]*")
_DATE = re.compile(r"\s*\d{4}-\d\d-\d\d.*")


def head(path: PathLike) -> tuple[str, str]:
    """Return the first whole lines of a file, and its name for messages.

    Raises
    ------
    InputError
        If the file does not exist.
    FileFormatError
        If the lines are not UTF-8.
    """
    with open_bytes(path) as source:
        label = source.label
        start, cut = _start(source)
    try:
        return (start[: _end(start)] if cut else start).decode("utf-8-sig"), label
    except UnicodeDecodeError as error:
        refuse(label, error)


def refuse(label: str, error: UnicodeDecodeError | None = None) -> NoReturn:
    """Raise FileFormatError for a table that is not UTF-8."""
    where = f" ({error.reason} at byte {error.start})" if error else ""
    marked = error is not None and error.object.startswith((b"\xff\xfe", b"\xfe\xff"))
    raise FileFormatError(
        f"{label} is not UTF-8 text{where}; expected a table in UTF-8: save it as such, or "
        f"convert it with: iconv -f {'utf-16' if marked else 'latin1'} -t utf-8"
    ) from error


def rows(
    lines: Iterable[str], delimiter: str, label: str, *, strict: bool = False
) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not empty, each with the number of the line at which it ends.

    A line of spaces is empty. In a table of one column it is a missing cell, unless `strict`.

    Raises
    ------
    FileFormatError
        If a cell exceeds the csv module's limit or, with `strict`, its quotes are not closed.
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
    """Whether a cell is a number in a table's notation."""
    return bool((_COMMA if decimal == "," else _POINT).fullmatch(cell))


def is_date(cell: str) -> bool:
    """Whether a cell begins with a date, such as 2026-01-31."""
    return bool(_DATE.fullmatch(cell))


def are_numbers(column: Iterable[str], decimal: str) -> bool:
    """Whether all cells that are not missing are numbers, and there is at least one."""
    there = [cell for cell in column if cell.strip() not in MISSING]
    return bool(there) and all(is_number(cell, decimal) for cell in there)


def are_dates(column: Iterable[str]) -> bool:
    """Whether all cells that are not missing are dates, and there is at least one."""
    there = [cell for cell in column if cell.strip() not in MISSING]
    return bool(there) and all(map(is_date, there))


def _start(source: ByteStream) -> tuple[bytes, bool]:
    """Return the beginning of a file, with several lines, and whether there is more."""
    start = source.read(_LOOKED_AT)
    while len(start) < _MOST and max(map(start.count, (b"\n", b"\r"))) < _FEWEST_LINES:
        more = source.read(len(start) or 1)
        if not more:
            return start, False
        start += more
    return start, bool(source.read(1))


def _end(start: bytes) -> int:
    """Return the end of the last whole line outside quotes; without one, the whole length."""
    mark = b"\n" if b"\n" in start else b"\r"
    end = start.rfind(mark) + 1
    is_open = start.count(b'"', 0, end) % 2
    while end and is_open:
        shorter = start.rfind(mark, 0, end - 1) + 1
        is_open ^= start.count(b'"', shorter, end) % 2
        end = shorter
    return end or len(start)
