"""Tables of numbers alone, without pyarrow: to the same values."""

import csv
import io
from array import array
from collections.abc import Iterator

import numpy as np

from bpx.data.files import PathLike, open_bytes
from bpx.data.tables.arrow import INSTALL
from bpx.data.tables.column import Column
from bpx.data.tables.layout import MISSING, Layout, is_number
from bpx.errors import FileFormatError, InputError

__all__ = ["read"]


def read(path: PathLike, layout: Layout) -> tuple[Column, ...]:
    """The columns of a table in which every cell is a number.

    Raises
    ------
    InputError
        If a cell is none: texts, dates and missing cells are read by pyarrow.
    FileFormatError
        If a line has more or fewer cells than the first.
    """
    columns = [array("d") for _ in range(layout.width)]
    whole = [True] * layout.width
    label = str(path)
    for line, row in _rows(path, layout):
        if len(row) != layout.width:
            raise FileFormatError(
                f"{label}, line {line}: the line has {len(row)} cells and the first has "
                f"{layout.width}; expected the same number in every line: put quotes around a "
                "cell that holds the delimiter"
            )
        for i, cell in enumerate(row):
            if not is_number(cell, layout.decimal):
                raise _needs_arrow(label, line, i, cell, layout)
            columns[i].append(float(cell.replace(layout.decimal, ".")))
            whole[i] = whole[i] and cell.strip().lstrip("+-").isdecimal()
    names = layout.names or [str(i) for i in range(layout.width)]
    return tuple(
        Column(name, "number", np.array(column), whole=is_whole)
        for name, column, is_whole in zip(names, columns, whole, strict=True)
    )


def _rows(path: PathLike, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    with open_bytes(path) as source:
        text = io.TextIOWrapper(source.stream, encoding="utf-8-sig", newline="")
        reader = csv.reader(text, delimiter=layout.delimiter)
        for row in reader:
            is_empty = not row or (len(row) == 1 and not row[0].strip())
            if reader.line_num > layout.skip and not is_empty:
                yield reader.line_num, row


def _needs_arrow(label: str, line: int, i: int, cell: str, layout: Layout) -> InputError:
    name = layout.names[i] if layout.names else str(i)
    missing = cell.strip() in MISSING
    what = "a missing cell" if missing else f"{cell.strip()!r:.40}, which is no number"
    return InputError(
        f"{label}, line {line}: column {name!r} has {what}; tables with texts, dates or "
        f"missing cells are read by pyarrow, which is not installed: {INSTALL}"
    )
