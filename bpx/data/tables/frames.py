"""Convert DataFrames of other libraries to tables, with narwhals."""

from collections.abc import Mapping
from typing import Any

from bpx._validate import is_frame
from bpx.data.tables.arrow import INSTALL, columns_of
from bpx.data.tables.table import Table
from bpx.data.tables.values import of_array
from bpx.errors import InputError

__all__ = ["as_table"]


def as_table(frame: Any) -> Table:
    """Make a table from a DataFrame of pandas, Polars, pyarrow or another that narwhals knows.

    Parameters
    ----------
    frame : DataFrame, Table, or mapping of str to one-dimensional array-like
        A `Table` is returned unchanged. The index of a pandas DataFrame is not a column.
        Names that are not text become text. A mapping needs no other library.

    Returns
    -------
    Table

    Raises
    ------
    InputError
        If it is none of these, a column holds values that a table cannot, or pyarrow or
        narwhals is not installed.

    Examples
    --------
    >>> table = bpx.data.as_table({"length": [5.1, 7.0], "kind": ["setosa", None]})
    >>> [(column.name, column.kind) for column in table.columns]
    [('length', 'number'), ('kind', 'category')]
    """
    if isinstance(frame, Table):
        return frame
    if not is_frame(frame):
        raise InputError(
            f"{type(frame).__name__} was given; expected a table: a DataFrame, a "
            "bpx.data.Table, or a mapping of names to columns"
        )
    if isinstance(frame, Mapping):
        return Table(tuple(of_array(str(name), values) for name, values in frame.items()))
    try:
        import narwhals
        import pyarrow
    except ImportError as error:
        raise InputError(
            f"taking a {type(frame).__name__} as a table needs pyarrow and narwhals, which are "
            f"not both installed; install them: {INSTALL}"
        ) from error
    try:
        eager = narwhals.from_native(_whole(frame, pyarrow), eager_only=True)
        # pandas' index would become a column, and select reads whole numbers as positions.
        table = eager.to_arrow().select([str(name) for name in eager.columns])
    except (TypeError, ValueError, pyarrow.ArrowException) as error:
        raise InputError(
            f"the {type(frame).__name__} cannot be taken as a table ({error}); expected "
            "a DataFrame in memory, with distinct names and one type per column"
        ) from error
    return Table(columns_of(table, table.column_names, "the table"))


def _whole(frame: Any, pyarrow: Any) -> Any:
    """Convert an Arrow RecordBatch, which narwhals does not know, to an Arrow table."""
    is_batch = isinstance(frame, pyarrow.RecordBatch)
    return pyarrow.Table.from_batches([frame]) if is_batch else frame
