"""How a text table is laid out: what lies between its cells, and whether it has a header.

It is found from the first lines. What cannot be told from them is asked for, not guessed.
"""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bpx.data.files import PathLike, open_bytes
from bpx.errors import FileFormatError, InputError, option

__all__ = ["MISSING", "Layout", "find", "is_number"]

MISSING = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "None", "?")
"""The cells that hold nothing."""

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_LOOKED_AT = 1 << 16
_LINES = 200
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
_DECIMAL_COMMA = re.compile(r"\s*[+-]?\d+(,\d+)?([eE][+-]?\d+)?\s*")
_DATE = re.compile(r"\s*\d{4}-\d\d-\d\d.*")


@dataclass(frozen=True)
class Layout:
    """How the text of a table is read.

    Attributes
    ----------
    delimiter : str
        The one character between cells.
    decimal : {".", ","}
        What comes before the fraction of a number.
    names : tuple of str or None
        The header's, stripped; None where the first line is a sample. The second of two equal
        names has "(2)" behind it.
    width : int
        The number of columns.
    skip : int
        How many lines of the file come before the first sample.
    renamed : tuple of str
        The names that got a number, as another column has the same.
    """

    delimiter: str
    decimal: str
    names: tuple[str, ...] | None
    width: int
    skip: int
    renamed: tuple[str, ...] = ()

    def __str__(self) -> str:
        between = _DELIMITERS.get(self.delimiter, repr(self.delimiter))
        decimal = ", decimal commas" if self.decimal == "," else ""
        head = "names in the first line" if self.names else "no header"
        again = f"; equal names are numbered: {', '.join(self.renamed)}" if self.renamed else ""
        return f"{between} between cells{decimal}, {head}{again}"


def find(
    path: PathLike,
    *,
    header: bool | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
) -> Layout:
    """The layout of a file, from its first lines and what the caller says of it.

    Raises
    ------
    InputError
        If there is no such file, an option cannot be used, or the first line may as well be a
        header as a sample.
    FileFormatError
        If the file is empty or not UTF-8.
    """
    _check(delimiter, decimal)
    text, label = _head(path)
    if delimiter is None:
        delimiter = "\t" if _suffix(path) == ".tsv" else _delimiter(text)
    rows, first_lines = _rows(text, delimiter)
    if not rows:
        raise FileFormatError(
            f"{label} is empty; expected a line for each sample: get it again"
        )
    if decimal is None:
        decimal = "," if delimiter != "," and _has_decimal_commas(rows[1:]) else "."
    named = _is_header(rows, decimal, label) if header is None else header
    width, skip = len(rows[0]), first_lines[0] if named else 0
    if not named:
        return Layout(delimiter, decimal, None, width, skip)
    given = [cell.strip() for cell in rows[0]]
    names = _numbered(given)
    renamed = tuple(new for new, old in zip(names, given, strict=True) if new != old)
    return Layout(delimiter, decimal, names, width, skip, renamed)


def is_number(cell: str, decimal: str = ".") -> bool:
    """Whether a cell is a number, in the notation of a table."""
    return bool(_NUMBER.fullmatch(cell.replace(decimal, ".") if decimal == "," else cell))


def _numbered(names: Sequence[str]) -> tuple[str, ...]:
    """Names that differ: the second ``b`` is ``b (2)``. Columns without a name stay so."""
    taken: list[str] = []
    for name in names:
        number, new = 1, name
        while new and new in taken:
            number += 1
            new = f"{name} ({number})"
        taken.append(new)
    return tuple(taken)


def _check(delimiter: str | None, decimal: str | None) -> None:
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise InputError(
            f"{option('delimiter', delimiter)} was given; expected one character, such as "
            f"{option('delimiter', ';')}"
        )
    if decimal not in (None, ".", ","):
        raise InputError(
            f"{option('decimal', decimal)} was given; expected {option('decimal', '.')} or "
            f"{option('decimal', ',')}"
        )
    if decimal == delimiter == ",":
        raise InputError(
            "commas were given both between cells and in numbers; expected another delimiter, "
            f"such as {option('delimiter', ';')}"
        )


def _head(path: PathLike) -> tuple[str, str]:
    """The first lines of a file, none of them cut; and what to call it."""
    with open_bytes(path) as source:
        start = source.read(_LOOKED_AT)
        label = source.label
    whole = start[: start.rfind(b"\n") + 1] if len(start) == _LOOKED_AT else start
    try:
        return (whole or start).decode("utf-8-sig"), label
    except UnicodeDecodeError as error:
        raise FileFormatError(
            f"{label} is not UTF-8 text ({error.reason} at byte {error.start}); expected a "
            "table in UTF-8: save it as such, or convert it with: iconv -f latin1 -t utf-8"
        ) from error


def _rows(text: str, delimiter: str) -> tuple[list[list[str]], list[int]]:
    """The first rows that are not empty, and the line after each."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows, lines = [], []
    for row in reader:
        if len(row) > 1 or (row and row[0].strip()):
            rows.append(row)
            lines.append(reader.line_num)
        if len(rows) == _LINES:
            break
    return rows, lines


def _delimiter(text: str) -> str:
    """What cuts every line in equally many cells, and leaves the most numbers whole."""
    best, most = ",", (0, 0.0)
    for delimiter in _DELIMITERS:
        rows, _ = _rows(text, delimiter)
        widths = {len(row) for row in rows}
        if len(widths) == 1 and len(rows[0]) > 1:
            cells = [cell for row in rows[1:] for cell in row]
            clean = sum(
                is_number(cell) or bool(_DECIMAL_COMMA.fullmatch(cell)) for cell in cells
            )
            others = sum(any(d in cell for d in _DELIMITERS) for cell in cells)
            score = (1, (clean - others) / max(1, len(cells)))
            if score > most or most == (0, 0.0):
                best, most = delimiter, score
    return best


def _has_decimal_commas(rows: Sequence[Sequence[str]]) -> bool:
    """Whether some column is made of numbers with commas, and none of numbers with points."""
    columns = [[c for c in column if c.strip() not in MISSING] for column in _columns(rows)]
    commas = [
        column
        for column in columns
        if any("," in cell for cell in column) and all(map(_DECIMAL_COMMA.fullmatch, column))
    ]
    points = [c for c in columns if any("." in cell for cell in c) and all(map(is_number, c))]
    return bool(commas) and not points


def _columns(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """The columns of the rows that are as wide as the first one."""
    wide = [row for row in rows if len(row) == len(rows[0])]
    return [list(column) for column in zip(*wide, strict=True)]


def _is_header(rows: Sequence[Sequence[str]], decimal: str, label: str) -> bool:
    first = [cell.strip() for cell in rows[0]]
    numbers = [is_number(cell, decimal) for cell in first]
    if all(n or not cell for n, cell in zip(numbers, first, strict=True)) and any(numbers):
        _refuse_counting(first, label)
        return False
    if not any(numbers):
        return _differs(first, rows[1:], decimal)
    below = _columns(rows[1:]) if len(rows) > 1 else []
    for cell, is_one, column in zip(first, numbers, below, strict=False):
        if cell and not is_one and _is_strange(cell, column, decimal):
            raise InputError(
                f"{label}: the first line has numbers and, where the others have such as "
                f"{column[0]!r}, {cell!r}; it may be a header or a sample: say "
                f"{option('header', True)} if it names the columns, {option('header', False)} "
                "if it is a sample"
            )
    return False


def _is_strange(cell: str, column: Sequence[str], decimal: str) -> bool:
    """Whether a text is over numbers, or over texts that recur without it."""
    if _all_numbers(column, decimal):
        return True
    return cell not in column and len(set(column)) <= len(column) // 2


def _refuse_counting(first: Sequence[str], label: str) -> None:
    """A first line 0, 1, 2, ... is more often a header than a sample."""
    given = [cell for cell in first if cell]
    if len(given) < 3 or not all(re.fullmatch(r"\d+", cell) for cell in given):
        return
    begin = int(given[0])
    if [int(cell) for cell in given] == list(range(begin, begin + len(given))):
        counted = f"{given[0]}, {given[1]}, {given[2]}, ..."
        raise InputError(
            f"{label}: the first line counts, {counted}; it may be a header or a sample: say "
            f"{option('header', True)} if these are the names of the columns, "
            f"{option('header', False)} if they are a sample"
        )


def _differs(first: Sequence[str], rows: Sequence[Sequence[str]], decimal: str) -> bool:
    """Whether a line without numbers is a header, by what is below it."""
    columns = _columns(rows) if rows else []
    if any(_all_numbers(c, decimal) or _all_dates(c) for c in columns):
        return not all(map(_DATE.fullmatch, first))
    recurs = any(cell in column for cell, column in zip(first, columns, strict=False))
    return len(set(first)) == len(first) and not recurs


def _all_numbers(column: Sequence[str], decimal: str) -> bool:
    there = [cell for cell in column if cell.strip() not in MISSING]
    return bool(there) and all(is_number(cell, decimal) for cell in there)


def _all_dates(column: Sequence[str]) -> bool:
    there = [cell for cell in column if cell.strip() not in MISSING]
    return bool(there) and all(map(_DATE.fullmatch, there))


def _suffix(path: PathLike) -> str:
    return Path(str(path).lower().removesuffix(".gz")).suffix
