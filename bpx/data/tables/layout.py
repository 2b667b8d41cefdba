"""Detect the layout of a text table: the delimiter, the decimal separator, the header.

The first lines decide. If they are ambiguous, an error asks for an option.
"""

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from bpx.data.files import PathLike
from bpx.data.tables.header import columns, is_header
from bpx.data.tables.text import MISSING, are_numbers, head, is_number, rows
from bpx.errors import FileFormatError, InputError, option

__all__ = ["Layout", "find"]

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_LINES = 200
_REGULAR = 0.8
"""A delimiter must split at least this fraction of the lines into equally many cells."""


@dataclass(frozen=True)
class Layout:
    """The layout of a text table.

    Attributes
    ----------
    delimiter : str
        The single character between cells.
    decimal : {".", ","}
        The decimal separator.
    names : tuple of str or None
        The names in the header, stripped; None if the first line is a sample. The second of
        two equal names ends in "(2)".
    width : int
        The number of columns.
    skip : int
        The number of lines before the first sample.
    renamed : tuple of str
        The names that got a number because another column has the same name.
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
    """Detect the layout of a file from its first lines; the caller's options take precedence.

    Raises
    ------
    InputError
        If the file does not exist, an option cannot be used, or the first line could be
        either a header or a sample.
    FileFormatError
        If the file is empty or not UTF-8.
    """
    _check(delimiter, decimal)
    text, label = head(path)
    if delimiter is None:
        suffix = Path(str(path).lower().removesuffix(".gz")).suffix
        delimiter = "\t" if suffix == ".tsv" else _delimiter(text, label)
    first, first_lines = _rows(text, delimiter, label)
    if not first:
        raise FileFormatError(
            f"{label} is empty; expected a line for each sample: get a fresh copy"
        )
    if decimal is None:
        found = delimiter != "," and _has_decimal_commas(first[1:] or first)
        decimal = "," if found else "."
    named = is_header(first, decimal, label) if header is None else header
    width, skip = len(first[0]), first_lines[0] if named else 0
    if not named:
        return Layout(delimiter, decimal, None, width, skip)
    given = [cell.strip() for cell in first[0]]
    names = _numbered(given)
    renamed = tuple(new for new, old in zip(names, given, strict=True) if new != old)
    return Layout(delimiter, decimal, names, width, skip, renamed)


def _numbered(names: Sequence[str]) -> tuple[str, ...]:
    """Make names distinct: the second ``b`` becomes ``b (2)``. Empty names stay empty."""
    taken: dict[str, None] = {}
    made = []
    for name in names:
        number, new = 1, name
        while new and new in taken:
            number += 1
            new = f"{name} ({number})"
        taken[new] = None
        made.append(new)
    return tuple(made)


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


def _rows(text: str, delimiter: str, label: str) -> tuple[list[list[str]], list[int]]:
    """Return the first rows that are not empty, and the line number of each."""
    found = rows(io.StringIO(text, newline=""), delimiter, label)
    lines, cells = [], []
    for line, row in islice(found, _LINES):
        lines.append(line)
        cells.append(row)
    return cells, lines


def _delimiter(text: str, label: str) -> str:
    """Find the delimiter that splits lines into equally many cells and keeps numbers whole."""
    best, most = ",", (_REGULAR, -2.0)
    for delimiter in _DELIMITERS:
        try:
            cut, _ = _rows(text, delimiter, label)
        except FileFormatError:  # reading the table reports it
            continue
        score = _regular(cut), _clean(cut[1:] or cut)
        if score > most:
            best, most = delimiter, score
    return best


def _regular(cut: Sequence[Sequence[str]]) -> float:
    """Return the fraction of rows with the most common number of cells, if more than one."""
    widths = Counter(map(len, cut))
    width, count = max(widths.items(), key=lambda each: each[::-1], default=(0, 0))
    return count / len(cut) if width > 1 else 0.0


def _clean(cut: Sequence[Sequence[str]]) -> float:
    """Return the fraction of numbers minus that of texts with another delimiter in them."""
    cells = [cell for row in cut for cell in row]
    texts = [c for c in cells if not (is_number(c) or is_number(c, ","))]
    others = sum(any(d in cell for d in _DELIMITERS) for cell in texts)
    return (len(cells) - len(texts) - others) / max(1, len(cells))


def _has_decimal_commas(cut: Sequence[Sequence[str]]) -> bool:
    """Whether a column has numbers with decimal commas, and none has decimal points."""
    there = [[c for c in column if c.strip() not in MISSING] for column in columns(cut)]
    commas = [c for c in there if any("," in cell for cell in c) and are_numbers(c, ",")]
    points = [c for c in there if any("." in cell for cell in c) and are_numbers(c, ".")]
    return bool(commas) and not points
