"""Tables: named columns of every kind, and the schema that turns them into samples."""

from bpx.data.tables.column import Column
from bpx.data.tables.frames import as_table
from bpx.data.tables.guess import guess_target
from bpx.data.tables.reading import read_table
from bpx.data.tables.schema import Schema
from bpx.data.tables.table import Table

__all__ = ["Column", "Schema", "Table", "as_table", "guess_target", "read_table"]
