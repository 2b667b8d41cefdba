"""Read text and Parquet tables with pyarrow, and convert Arrow columns."""

import io
from collections.abc import Iterable
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from bpx.data.files import PathLike, existing_file, open_bytes
from bpx.data.tables.column import DAY, Column, level, numbers, of_texts
from bpx.data.tables.layout import Layout
from bpx.data.tables.text import MISSING, refuse, rows
from bpx.errors import FileFormatError, InputError

__all__ = ["columns_of", "is_there", "read", "read_numbers", "read_parquet", "told_ragged"]

INSTALL = "pip install pyarrow narwhals"
"""The command that installs the libraries for tables."""

_BLOCK = 1 << 20
"""Bytes per block, small enough for several cores to share the work."""
_LONGEST_LINE = 1 << 24
"""Bytes per block for long lines, since a line has to fit into a block."""
_SPACES = ("", " ")
_MISSING = [left + each + right for each in MISSING for left in _SPACES for right in _SPACES]
"""Arrow matches missing cells exactly, including spaces."""


def is_there() -> bool:
    """Whether pyarrow can be imported."""
    try:
        import pyarrow.csv  # noqa: F401
    except ImportError:
        return False
    return True


def read(path: PathLike, layout: Layout) -> tuple[Column, ...]:
    """Read the columns of a text table with a known layout.

    Parameters
    ----------
    path : path
        An existing file, plain or gzip.
    layout : Layout

    Returns
    -------
    tuple of Column
        The columns, named by the layout, or by their index if it has no names.

    Raises
    ------
    FileFormatError
        If a line has more or fewer cells than the first, the text is not UTF-8, or a number
        is infinite.
    """
    import pyarrow

    label = str(path)
    try:
        table = _parsed(
            path,
            layout,
            decimal_point=layout.decimal,
            null_values=_MISSING,
            true_values=["true", "True", "TRUE"],
            false_values=["false", "False", "FALSE"],
            strings_can_be_null=True,
        )
    except pyarrow.ArrowInvalid as error:
        _ragged(path, layout, str(error))
    if any(map(pyarrow.types.is_binary, table.schema.types)):
        refuse(label)
    return columns_of(table, layout.names or table.column_names, label)


def read_numbers(path: PathLike, layout: Layout) -> NDArray[np.float64] | None:
    """Read numbers, shape (n, width); None if a cell is not a number or a line is ragged."""
    import pyarrow

    kinds = {str(i): pyarrow.float64() for i in range(layout.width)}
    try:
        table = _parsed(path, layout, column_types=kinds, null_values=[])
    except pyarrow.ArrowInvalid:
        return None
    return np.stack([column.to_numpy() for column in table.columns]).T


def read_parquet(path: PathLike) -> tuple[Column, ...]:
    """Read the columns of a Parquet file, without an unnamed index that pandas saved in it.

    Raises
    ------
    InputError
        If the file does not exist, a column has an unsupported type, or pyarrow is not
        installed.
    FileFormatError
        If the file is not Parquet.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise InputError(
            f"{path}: reading Parquet needs pyarrow, which is not installed; "
            f"install it: {INSTALL}"
        ) from error
    file = existing_file(path)
    try:
        table = parquet.read_table(file)
    except (pyarrow.ArrowException, OSError) as error:
        raise FileFormatError(
            f"{path} cannot be read as Parquet ({error}); get a fresh copy"
        ) from error
    index = (table.schema.pandas_metadata or {}).get("index_columns", ())
    left = [each for each in index if str(each).startswith("__index_level_")]
    table = table.drop_columns(left)
    return columns_of(table, table.column_names, str(path))


def columns_of(table: Any, names: Iterable[str], label: str) -> tuple[Column, ...]:
    """Convert the columns of an Arrow table, with these names.

    Raises
    ------
    InputError
        If a column has an unsupported type, or a number is infinite.
    """
    return tuple(
        _column(name, values, label) for name, values in zip(names, table.columns, strict=True)
    )


def _parsed(path: PathLike, layout: Layout, **convert: Any) -> Any:
    """Return the table in a file, with column indices as names."""
    import pyarrow

    try:
        return _in_blocks(path, layout, _BLOCK, convert)
    except pyarrow.ArrowInvalid as error:
        if "block size" not in str(error):
            raise
    return _in_blocks(path, layout, _LONGEST_LINE, convert)


def _in_blocks(path: PathLike, layout: Layout, size: int, convert: dict[str, Any]) -> Any:
    from pyarrow import csv

    read = csv.ReadOptions(
        column_names=[str(i) for i in range(layout.width)],
        skip_rows=layout.skip,
        block_size=size,
    )
    parse = csv.ParseOptions(
        delimiter=layout.delimiter,
        newlines_in_values=True,
        invalid_row_handler=lambda row: "error" if row.text.strip() else "skip",
    )
    with open_bytes(path) as source:
        return csv.read_csv(source.stream, read, parse, csv.ConvertOptions(**convert))


def _column(name: str, values: Any, label: str) -> Column:
    import pyarrow as pa

    kind, types = values.type, pa.types
    if types.is_dictionary(kind) or _are_texts(kind):
        return _texts(name, values, label)
    if types.is_boolean(kind):
        return Column(name, "boolean", _floats(values.cast(pa.int8())))
    if types.is_date(kind) or types.is_timestamp(kind):
        return Column(name, "date", _microseconds(values) / DAY)
    if types.is_time(kind) or types.is_duration(kind):
        return Column(name, "number", _microseconds(values) / 1e6)
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return numbers(name, _floats(values), label, types.is_integer(kind))
    if types.is_null(kind):
        return Column(name, "number", np.full(len(values), np.nan))
    raise _no_column(name, kind, label)


def _are_texts(kind: Any) -> bool:
    from pyarrow import types

    return types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)


def _no_column(name: str, kind: Any, label: str) -> InputError:
    return InputError(
        f"{label}: column {name!r} holds {kind}; expected numbers, booleans, dates or texts: "
        "convert it to one of these, or remove it from the table"
    )


def _floats(values: Any) -> NDArray[np.float64]:
    """Convert numbers to float64, with NaN for missing ones."""
    import pyarrow as pa

    if pa.types.is_decimal(values.type) or pa.types.is_integer(values.type):
        values = values.cast(pa.float64(), safe=False)
    numbers: NDArray[Any] = values.to_numpy()
    return numbers.astype(np.float64, copy=False)


def _microseconds(values: Any) -> NDArray[np.float64]:
    """Convert dates, times and durations to microseconds, with NaN for missing ones."""
    import pyarrow as pa

    kind = values.type
    if pa.types.is_date32(kind):
        return _floats(values.cast(pa.int32())) * DAY
    unit = "ms" if pa.types.is_date64(kind) else kind.unit
    whole = values.cast(pa.int32() if pa.types.is_time32(kind) else pa.int64())
    if unit == "ns":  # more digits than float64 holds
        counts = whole.fill_null(0).to_numpy() // 1000
        return np.where(whole.is_null().to_numpy(), np.nan, counts)
    return _floats(whole) * {"s": 1e6, "ms": 1e3, "us": 1.0}[unit]


def _texts(name: str, values: Any, label: str) -> Column:
    import pyarrow as pa

    if pa.types.is_string_view(values.type):
        values = values.cast(pa.large_string())
    if not pa.types.is_dictionary(values.type):
        values = values.dictionary_encode()
    joined = values.unify_dictionaries().combine_chunks()
    if isinstance(joined, pa.ChunkedArray):  # when it has no chunks
        joined = joined.chunk(0) if joined.num_chunks else pa.array([]).dictionary_encode()
    levels = ["" if each is None else level(each) for each in joined.dictionary.to_pylist()]
    if any(each is None for each in levels):
        raise _no_column(name, values.type, label)
    codes = joined.indices.cast(pa.int32()).fill_null(-1).to_numpy(zero_copy_only=False)
    return of_texts(name, codes, [str(each) for each in levels])


def _ragged(path: PathLike, layout: Layout, why: str) -> NoReturn:
    """Raise FileFormatError with the ragged line's number, which Arrow does not report."""
    with open_bytes(path) as source:
        label = source.label
        text = io.TextIOWrapper(
            source.stream, encoding="utf-8-sig", errors="replace", newline=""
        )
        for line, row in rows(text, layout.delimiter, label):
            if len(row) != layout.width:
                raise FileFormatError(told_ragged(label, line, len(row), layout.width))
    raise FileFormatError(f"{label} cannot be read as a table: {why}")


def told_ragged(label: str, line: int, count: int, width: int) -> str:
    """Return the message for a line that is not as wide as the first."""
    return (
        f"{label}, line {line}: the line has {count} cells, but the first has {width}; "
        "expected the same number in every line: put quotes around a cell that contains "
        "the delimiter"
    )
