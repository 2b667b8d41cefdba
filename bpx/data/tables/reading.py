"""`read_table`: read a table from a file of any supported kind."""

from pathlib import Path

from bpx.data.files import PathLike
from bpx.data.tables import arrow, layout, plain
from bpx.data.tables.table import Table
from bpx.errors import FileFormatError, InputError, option

__all__ = ["SUFFIXES", "is_table", "read_table"]

TEXT = (".csv", ".tsv", ".txt", ".data")
PARQUET = (".parquet", ".pq")
SUFFIXES = (*TEXT, *PARQUET)
"""The suffixes of tables; a text file's name may also end in ``.gz``."""


def is_table(path: PathLike) -> bool:
    """Whether a file is a table, judged by the suffix of its name."""
    return _suffix(path) in SUFFIXES


def read_table(
    path: PathLike,
    *,
    header: bool | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
) -> Table:
    """Read a table from a file, including texts, dates and missing cells.

    Parameters
    ----------
    path : path
        ``.csv``, ``.tsv``, ``.txt`` or ``.data``: UTF-8 text, plain or gzip, with one line for
        each sample; empty lines are skipped, cells may be quoted. Or ``.parquet``.
    header : bool, optional
        Whether the first line names the columns. By default, detected from the lines below.
    delimiter : str, optional
        The single character between cells. By default, a tab in ``.tsv``; in other files,
        the comma, semicolon, tab or bar that splits the first lines into equally many
        cells.
    decimal : {".", ","}, optional
        The decimal separator. By default, a comma if the delimiter is not one and a
        column's numbers have commas; else a point.

    Returns
    -------
    Table
        The table; its `layout` records the detected layout.

    Raises
    ------
    InputError
        If the file does not exist, the first line could be either a header or a sample, or
        pyarrow is needed and not installed: tables of numbers in text do not need it.
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
                    f"{label}: {option(name, value)} was given, but a Parquet file has its own "
                    "layout; omit it"
                )
        return Table(arrow.read_parquet(path), label=label)
    found = layout.find(path, header=header, delimiter=delimiter, decimal=decimal)
    columns = arrow.read(path, found) if arrow.is_there() else plain.read(path, found)
    if not len(columns[0]):
        raise FileFormatError(
            f"{label} has names in its first line and no samples; expected a line for each: "
            f"pass {option('header', False)} if that line is a sample"
        )
    return Table(columns, found.names is not None, label, found)


def _suffix(path: PathLike) -> str:
    return Path(str(path).lower().removesuffix(".gz")).suffix
