"""Readers: each reads one kind of file into host arrays, and trusts nothing unchecked.

To add a kind of file, add a function in a new file and a line in `READERS`.
"""

from functools import partial

from bpx.data.files import PathLike
from bpx.data.readers.csv import read_csv
from bpx.data.readers.numpy import read_npy, read_npz
from bpx.data.readers.reader import Reader
from bpx.data.split import HostArray

__all__ = ["READERS", "Reader"]


def _npy(path: PathLike) -> tuple[HostArray, None]:
    return read_npy(path), None


READERS: dict[str, Reader] = {
    ".csv": Reader(read_csv, ("target", "delimiter", "header")),
    ".tsv": Reader(partial(read_csv, delimiter="\t"), ("target", "delimiter", "header")),
    ".npy": Reader(_npy),
    ".npz": Reader(read_npz, ("inputs", "target")),
}
"""The readers by the lowercase suffix of the file's name, without ``.gz``."""
