"""Tables through pyarrow: text as it lies in files, and the columns that Arrow makes of it."""

import csv
import io
from collections.abc import Iterable
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from bpx.data.files import PathLike, open_bytes
from bpx.data.tables.column import Column, of_texts
from bpx.data.tables.layout import MISSING, Layout
from bpx.errors import FileFormatError, InputError, advice

__all__ = ["columns_of", "is_there", "read", "read_parquet"]

INSTALL = "pip install pyarrow narwhals"
"""What tables need, as it can be typed today."""

_DAY = 86_400_000_000
"""Microseconds of a day."""


def is_there() -> bool:
    """Whether pyarrow can be imported."""
    try:
        import pyarrow.csv  # noqa: F401
    except ImportError:
        return False
    return True


def read(path: PathLike, layout: Layout) -> tuple[Column, ...]:
    """The columns of a table in text, whose layout is known.

    Raises
    ------
    FileFormatError
        If a line has more or fewer cells than the first, with its number.
    """
    import pyarrow
    from pyarrow import csv as arrow

    places = [str(i) for i in range(layout.width)]
    with open_bytes(path) as source:
        label = source.label
        try:
            table = arrow.read_csv(
                source.stream,
                arrow.ReadOptions(column_names=places, skip_rows=layout.skip),
                arrow.ParseOptions(delimiter=layout.delimiter, newlines_in_values=True),
                arrow.ConvertOptions(
                    decimal_point=layout.decimal,
                    null_values=list(MISSING),
                    true_values=["true", "True", "TRUE"],
                    false_values=["false", "False", "FALSE"],
                    strings_can_be_null=True,
                ),
            )
        except pyarrow.ArrowInvalid as error:
            _ragged(path, layout, str(error))
    names = layout.names or places
    return columns_of(table, names, label)


def read_parquet(path: PathLike) -> tuple[Column, ...]:
    """The columns of a Parquet file.

    Raises
    ------
    InputError
        If pyarrow is not installed.
    FileFormatError
        If the file is no Parquet.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise InputError(
            f"{path}: reading Parquet needs pyarrow, which is not installed; "
            f"install it: {INSTALL}"
        ) from error
    try:
        table = parquet.read_table(path)
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise FileFormatError(
            f"{path} cannot be read as Parquet ({error}); get it again"
        ) from (error)
    return columns_of(table, table.column_names, str(path))


def columns_of(table: Any, names: Iterable[str], label: str) -> tuple[Column, ...]:
    """The columns of an Arrow table under these names.

    Raises
    ------
    InputError
        If a column holds something that no column of a table can be, or a number is infinite.
    """
    return tuple(
        _column(name, values, label) for name, values in zip(names, table.columns, strict=True)
    )


def _column(name: str, values: Any, label: str) -> Column:
    import pyarrow as pa

    kind, types = values.type, pa.types
    if types.is_dictionary(kind) or types.is_string(kind) or types.is_large_string(kind):
        return _texts(name, values)
    if types.is_binary(kind):
        raise FileFormatError(
            f"{label}: column {name!r} is not UTF-8 text; expected a table in UTF-8: save it "
            "as such, or convert it with: iconv -f latin1 -t utf-8"
        )
    if types.is_boolean(kind):
        return Column(name, "boolean", _floats(values.cast(pa.int8())))
    if types.is_date(kind) or types.is_timestamp(kind):
        since = _floats(
            values.cast(pa.timestamp("us", getattr(kind, "tz", None))).cast("int64")
        )
        return Column(name, "date", since / _DAY)
    if types.is_time(kind) or types.is_duration(kind):
        whole = "int32" if types.is_time32(kind) else "int64"
        return Column(name, "number", _floats(values.cast(whole)))
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return _numbers(name, values, label, types.is_integer(kind))
    if types.is_null(kind):
        return Column(name, "number", np.full(len(values), np.nan))
    raise InputError(
        f"{label}: column {name!r} holds {kind}; expected numbers, booleans, dates or texts: "
        f"drop it{advice('', f', with --drop {name}')}"
    )


def _numbers(name: str, values: Any, label: str, whole: bool) -> Column:
    numbers = _floats(values)
    infinite = np.isinf(numbers)
    if infinite.any():
        raise FileFormatError(
            f"{label}: column {name!r} is infinite in row {int(infinite.argmax()) + 1}; "
            "expected finite numbers, or an empty cell where a value is missing"
        )
    return Column(name, "number", numbers, whole=whole)


def _floats(values: Any) -> NDArray[np.float64]:
    """Numbers as float64, NaN where there is none."""
    import pyarrow as pa

    if pa.types.is_decimal(values.type) or pa.types.is_integer(values.type):
        values = values.cast(pa.float64(), safe=False)
    numbers: NDArray[Any] = values.to_numpy()
    return numbers.astype(np.float64, copy=False)


def _texts(name: str, values: Any) -> Column:
    import pyarrow as pa

    if not pa.types.is_dictionary(values.type):
        values = values.dictionary_encode()
    joined = values.unify_dictionaries().combine_chunks()
    if isinstance(joined, pa.ChunkedArray):  # of no chunks
        joined = joined.chunk(0) if joined.num_chunks else pa.array([]).dictionary_encode()
    codes = joined.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    levels = ["" if each is None else str(each) for each in joined.dictionary.to_pylist()]
    return of_texts(name, codes, levels)


def _ragged(path: PathLike, layout: Layout, why: str) -> NoReturn:
    """Say which line is not as wide as the first: Arrow does not."""
    with open_bytes(path) as source:
        label = source.label
        text = io.TextIOWrapper(
            source.stream, encoding="utf-8-sig", errors="replace", newline=""
        )
        reader = csv.reader(text, delimiter=layout.delimiter)
        for row in reader:
            if len(row) != layout.width and (len(row) > 1 or (row and row[0].strip())):
                raise FileFormatError(
                    f"{label}, line {reader.line_num}: the line has {len(row)} cells and the "
                    f"first has {layout.width}; expected the same number in every line: put "
                    "quotes around a cell that holds the delimiter"
                )
    raise FileFormatError(f"{label} cannot be read as a table: {why}")
