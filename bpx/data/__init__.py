"""Data sets by name, and readers for several kinds of files.

They return NumPy arrays: float32 samples in rows, and int32 labels or float32 targets.
Nothing in a file is trusted before it is checked.
"""

from bpx.data import readers
from bpx.data.catalogue import load
from bpx.data.readers.csv import read_csv
from bpx.data.readers.idx import read_idx
from bpx.data.readers.numpy import read_npy, read_npz
from bpx.data.readers.reader import Reader
from bpx.data.reading import read
from bpx.data.split import Dataset, Split
from bpx.data.streams import Stream, stream
from bpx.data.tables import Column, Schema, Table, as_table, guess_target, read_table

__all__ = [
    "READERS",
    "Column",
    "Dataset",
    "Reader",
    "Schema",
    "Split",
    "Stream",
    "Table",
    "as_table",
    "guess_target",
    "load",
    "read",
    "read_csv",
    "read_idx",
    "read_npy",
    "read_npz",
    "read_table",
    "stream",
]

READERS: dict[str, Reader] = readers.READERS
"""The readers that `read` uses, by lowercase suffix; add an entry to add a kind of file."""
