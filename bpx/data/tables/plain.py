"""Read tables of numbers without pyarrow, with the same results."""

import io
from array import array
from collections.abc import Iterator

import numpy as np

from bpx.data.files import PathLike, open_bytes
from bpx.data.tables.arrow import INSTALL, told_ragged
from bpx.data.tables.column import Column, numbers
from bpx.data.tables.layout import Layout
from bpx.data.tables.text import MISSING, is_number, refuse, rows
from bpx.errors import FileFormatError, InputError

__all__ = ["read"]

_WHOLE = range(-(2**63), 2**63)
"""The range of the whole numbers that pyarrow reads."""


def read(path: PathLike, layout: Layout) -> tuple[Column, ...]:
    """Read the columns of a table of numbers, with the same result as `arrow.read`.

    Raises
    ------
    InputError
        If a cell is not a number, since texts, dates and missing cells need pyarrow; or if a
        number is infinite.
    FileFormatError
        If a line has more or fewer cells than the first, or the text is not UTF-8.
    """
    columns = [array("d") for _ in range(layout.width)]
    whole = [True] * layout.width
    label = str(path)
    for line, row in _samples(path, layout):
        if len(row) != layout.width:
            raise FileFormatError(told_ragged(label, line, len(row), layout.width))
        for i, cell in enumerate(row):
            if not is_number(cell, layout.decimal):
                raise _needs_arrow(label, line, i, cell, layout)
            columns[i].append(float(cell.replace(layout.decimal, ".")))
            whole[i] = whole[i] and _is_whole(cell.strip())
    names = layout.names or [str(i) for i in range(layout.width)]
    return tuple(
        # Adding 0.0 turns -0.0 into 0.0, since whole numbers have no -0.
        numbers(name, np.array(column) + (0.0 if is_whole else -0.0), label, is_whole)
        for name, column, is_whole in zip(names, columns, whole, strict=True)
    )


def _samples(path: PathLike, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    with open_bytes(path) as source:
        text = io.TextIOWrapper(source.stream, encoding="utf-8-sig", newline="")
        try:
            for line, row in rows(text, layout.delimiter, source.label):
                if line > layout.skip:
                    yield line, row
        except UnicodeDecodeError:
            refuse(source.label)


def _is_whole(cell: str) -> bool:
    """Whether pyarrow would read a number as a whole number, that is, without a plus sign."""
    digits = cell.removeprefix("-")
    return digits.isdecimal() and (len(digits) < 19 or int(cell) in _WHOLE)


def _needs_arrow(label: str, line: int, i: int, cell: str, layout: Layout) -> InputError:
    name = layout.names[i] if layout.names else str(i)
    missing = cell.strip() in MISSING
    what = "a missing cell" if missing else f"{cell.strip()!r:.40}, which is not a number"
    return InputError(
        f"{label}, line {line}: column {name!r} has {what}; reading texts, dates or missing "
        f"cells needs pyarrow, which is not installed; install it: {INSTALL}"
    )
