"""Detect whether the first line of a table is a header, from the lines below it."""

import re
from collections.abc import Sequence
from itertools import pairwise

from bpx.data.tables.text import MISSING, are_dates, are_numbers, is_date, is_number
from bpx.errors import InputError, option

__all__ = ["columns", "is_header"]

_WHOLE = re.compile(r"[0-9]+")


def is_header(rows: Sequence[Sequence[str]], decimal: str, label: str) -> bool:
    """Whether the first row is a header and not a sample.

    Raises
    ------
    InputError
        If it could be either.
    """
    first = [cell.strip() for cell in rows[0]]
    below = columns([rows[0], *rows[1:]])
    under = [column[1:] for column in below]
    numbers = [is_number(cell, decimal) for cell in first]
    if not any(numbers):
        return _differs(first, under, decimal)
    if all(n or not cell for n, cell in zip(numbers, first, strict=True)):
        _refuse_counting(first, under, label)
        return False
    for cell, is_one, column in zip(first, numbers, under, strict=True):
        if cell and not is_one and _is_strange(cell, column, decimal):
            raise InputError(
                f"{label}: the first line has numbers, but also {cell!r} where others have "
                f"values like {column[0]!r}; it may be a header or a sample: pass "
                f"{option('header', True)} if it names the columns, {option('header', False)} "
                "if it is a sample"
            )
    _refuse_rising(first, under, label)
    return False


def columns(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return the columns of the rows that are as wide as the first one."""
    wide = [row for row in rows if len(row) == len(rows[0])]
    return [list(column) for column in zip(*wide, strict=True)]


def _is_strange(cell: str, column: Sequence[str], decimal: str) -> bool:
    """Whether a text stands above numbers, or above recurring texts that differ from it."""
    if are_numbers(column, decimal):
        return True
    return bool(column) and cell not in column and len(set(column)) <= len(column) // 2


def _refuse_counting(first: Sequence[str], under: Sequence[Sequence[str]], label: str) -> None:
    """Raise InputError for a first line like 0, 1, 2, ..., which may be a header.

    The same holds for 0, 1 after an empty cell or above columns with fractions.
    """
    given = [cell for cell in first if cell]
    if len(given) < 2 or not all(map(_WHOLE.fullmatch, given)):
        return
    counted = [int(cell) for cell in given]
    counts = counted == list(range(counted[0], counted[0] + len(given)))
    if counts and (len(given) > 2 or not first[0] or _all_fractions(first, under)):
        shown = ", ".join(given[:3]) + (", ..." if len(given) > 3 else "")
        raise InputError(
            f"{label}: the first line counts, {shown}; it may be a header or a sample: pass "
            f"{option('header', True)} if these are the names of the columns, "
            f"{option('header', False)} if they are a sample"
        )


def _refuse_rising(first: Sequence[str], under: Sequence[Sequence[str]], label: str) -> None:
    """Raise InputError for rising whole numbers above fractions: "country", 1990, 1995."""
    given = [cell for cell in first if _WHOLE.fullmatch(cell)]
    rising = all(int(a) < int(b) for a, b in pairwise(given))
    if len(given) > 1 and rising and _all_fractions(first, under):
        raise InputError(
            f"{label}: the first line has rising whole numbers, {', '.join(given[:3])}, but "
            f"other lines have fractions there; it may be a header or a sample: pass "
            f"{option('header', True)} if it names the columns, {option('header', False)} if "
            "it is a sample"
        )


def _all_fractions(first: Sequence[str], under: Sequence[Sequence[str]]) -> bool:
    """Whether there is a fraction below each whole number of the first line."""
    below = [column for cell, column in zip(first, under, strict=True) if cell[:1].isdigit()]
    return all(any(not _WHOLE.fullmatch(c.strip(" \t+-")) for c in col) for col in below)


def _differs(first: Sequence[str], under: Sequence[Sequence[str]], decimal: str) -> bool:
    """Whether a line without numbers is a header, judged by the lines below it."""
    above = list(zip(first, under, strict=True))
    if any(is_date(cell) and are_dates(column) for cell, column in above):
        return False
    firm = [cell for cell, col in above if are_numbers(col, decimal) or are_dates(col)]
    if any(cell not in MISSING for cell in firm):
        return True
    recurs = any(cell in column for cell, column in above)
    return len(set(first)) == len(first) and not recurs
