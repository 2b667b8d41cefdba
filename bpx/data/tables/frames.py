"""DataFrames of other libraries as tables, through narwhals."""

from collections.abc import Mapping
from typing import Any

from bpx._validate import is_frame
from bpx.data.tables.arrow import INSTALL, columns_of
from bpx.data.tables.table import Table
from bpx.data.tables.values import of_array
from bpx.errors import InputError

__all__ = ["as_table"]


def as_table(frame: Any) -> Table:
    """A table of a DataFrame: of pandas, Polars, pyarrow or another that narwhals knows.

    Parameters
    ----------
    frame : DataFrame, Table, or mapping of str to one-dimensional array-like
        A table is given back as it is. The index of a pandas DataFrame is no column of it.
        Names that are no texts become texts. A mapping needs no further library.

    Returns
    -------
    Table

    Raises
    ------
    InputError
        If it is nothing of the kind, a column holds something that a table cannot, or pyarrow
        or narwhals is not installed.

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
            f"a table was expected, and {type(frame).__name__} was given; expected a "
            "DataFrame, a bpx.data.Table, or a mapping of names to columns"
        )
    if isinstance(frame, Mapping):
        return Table(tuple(of_array(str(name), values) for name, values in frame.items()))
    try:
        import narwhals
        import pyarrow
    except ImportError as error:
        raise InputError(
            f"taking a {type(frame).__name__} as a table needs pyarrow and narwhals, and one "
            f"is not installed; install them: {INSTALL}"
        ) from error
    try:
        eager = narwhals.from_native(_whole(frame, pyarrow), eager_only=True)
        # pandas' index would come along as a column, and whole numbers would be places.
        table = eager.to_arrow().select([str(name) for name in eager.columns])
    except (TypeError, ValueError, pyarrow.ArrowException) as error:
        raise InputError(
            f"the {type(frame).__name__} cannot be taken as a table ({error}); expected "
            "columns of one type each, with names that differ, in memory"
        ) from error
    return Table(columns_of(table, table.column_names, "the table"))


def _whole(frame: Any, pyarrow: Any) -> Any:
    """Arrow's batches of rows, which narwhals does not know, as the tables that they are."""
    is_batch = isinstance(frame, pyarrow.RecordBatch)
    return pyarrow.Table.from_batches([frame]) if is_batch else frame
