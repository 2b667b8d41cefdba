"""A table from a file: the one door."""

from pathlib import Path

from bpx.data.files import PathLike
from bpx.data.tables import arrow, layout, plain
from bpx.data.tables.table import Table
from bpx.errors import FileFormatError, InputError, option

__all__ = ["SUFFIXES", "is_table", "read_table"]

TEXT = (".csv", ".tsv", ".txt", ".data")
PARQUET = (".parquet", ".pq")
SUFFIXES = (*TEXT, *PARQUET)
"""The suffixes of tables; text may have a further ``.gz``."""


def is_table(path: PathLike) -> bool:
    """Whether a file is a table, by the suffix of its name."""
    return _suffix(path) in SUFFIXES


def read_table(
    path: PathLike,
    *,
    header: bool | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
) -> Table:
    """A table from a file, with texts, dates and missing cells as they are.

    Parameters
    ----------
    path : path
        ``.csv``, ``.tsv``, ``.txt`` or ``.data``: UTF-8 text, plain or gzip, with one line for
        each sample; empty lines are passed over, cells may be quoted. Or ``.parquet``.
    header : bool, optional
        Whether the first line names the columns. Left out, it is found from what is below it.
    delimiter : str, optional
        The one character between cells. Left out: a tab in ``.tsv``, else what cuts the first
        lines in equally many cells, of a comma, a semicolon, a tab and a bar.
    decimal : {".", ","}, optional
        What comes before the fraction of a number. Left out, a comma where the delimiter is
        none and a column's numbers have commas.

    Returns
    -------
    Table
        Its `layout` tells what was found.

    Raises
    ------
    InputError
        If there is no such file, the first line may be a header or a sample, or a library is
        needed that is not installed: without pyarrow, tables of numbers alone are read.
    FileFormatError
        If the file is empty, ragged, or not UTF-8.
    """
    label = str(path)
    if _suffix(path) in PARQUET:
        for name, value in {
            "header": header,
            "delimiter": delimiter,
            "decimal": decimal,
        }.items():
            if value is not None:
                raise InputError(
                    f"{label}: {option(name, value)} was given; a Parquet file has a layout of "
                    "its own: leave it out"
                )
        return Table(arrow.read_parquet(path), label=label)
    found = layout.find(path, header=header, delimiter=delimiter, decimal=decimal)
    columns = arrow.read(path, found) if arrow.is_there() else plain.read(path, found)
    if not len(columns[0]):
        raise FileFormatError(
            f"{label} has names in its first line and no samples; expected a line for each: "
            f"say {option('header', False)} if that line is a sample"
        )
    return Table(columns, found.names is not None, label, found)


def _suffix(path: PathLike) -> str:
    return Path(str(path).lower().removesuffix(".gz")).suffix
