"""Rows of an NPY file, read when they are needed, straight into the array that takes them."""

import math
import os
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from bpx.data.files import PathLike, existing_file
from bpx.data.readers.numpy import npy_layout
from bpx.data.split import HostArray
from bpx.data.streams.direct import PAGE, read_pages, whole_pages
from bpx.errors import FileFormatError

__all__ = ["NpyRows", "open_npy"]


LARGE = 1 << 30
"""The bytes from which a file is read past the system's cache: it keeps smaller ones."""


@dataclass
class _Route:
    """How a file is read: past the system's cache, or through it.

    A large one is read past it until somebody has to wait for its rows, or until that turns out
    to be impossible.
    """

    direct: bool = False


@dataclass(frozen=True)
class NpyRows:
    """The rows `start` to `stop` of an NPY file.

    Unlike those of a memory map, rows are read by one large request for each window, and never
    count as the process's own memory. Those of a large file are read past the system's cache,
    which takes least of the processor's time, as long as nobody has to wait for them.

    Attributes
    ----------
    path : Path
    dtype : numpy.dtype
    each : tuple of int
        The shape of one row.
    offset : int
        The position of row 0 in the file, in bytes.
    start, stop : int
    route : object
        What all rows of the file share.
    """

    path: Path
    dtype: np.dtype[Any]
    each: tuple[int, ...]
    offset: int
    start: int
    stop: int
    route: _Route = field(default_factory=_Route, repr=False, compare=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape, rows first."""
        return (self.stop - self.start, *self.each)

    def __len__(self) -> int:
        return self.stop - self.start

    def __getitem__(self, rows: slice) -> "NpyRows":
        start, stop, step = rows.indices(len(self))
        if step != 1:
            raise IndexError(f"rows of {self.path} can only be read in order, not {rows}")
        begin = self.start + start
        return replace(self, start=begin, stop=max(begin, self.start + stop))

    def copy_to(self, out: HostArray) -> None:
        """Read the rows into an array of the same shape, cast to its dtype.

        Raises
        ------
        FileFormatError
            If the file has become shorter.
        """
        same = out.dtype == self.dtype and out.flags.c_contiguous
        into = out if same else np.empty(self.shape, self.dtype)
        bytes_: Any = into.reshape(-1).view(np.uint8)
        self.route.direct &= same
        pages = whole_pages(self._position, bytes_) if self.route.direct else None
        if pages and read_pages(self.path, self._position + pages.start, bytes_[pages]):
            self._read(0, bytes_[: pages.start])
            self._read(pages.stop, bytes_[pages.stop :])
        else:
            self.route.direct &= pages is None
            self._read(0, bytes_)
        if not same:
            out[...] = into

    def _read(self, begin: int, into: Any) -> None:
        """Read some of the rows' bytes, from the given one on."""
        wanted = memoryview(into)
        with self.path.open("rb", buffering=0) as file:
            file.seek(self._position + begin)
            while wanted:
                got = file.readinto(wanted)
                if not got:
                    raise FileFormatError(
                        f"{self.path} ends before row {self.stop - 1}; it was cut while it was "
                        "read: get a fresh copy"
                    )
                wanted = wanted[got:]

    def soon(self) -> None:
        """Ask the system to fetch the rows into its cache, if they are read through it."""
        if self.route.direct or not hasattr(os, "posix_fadvise"):
            return
        with suppress(OSError), self.path.open("rb", buffering=0) as file:
            size = len(self) * self._row
            os.posix_fadvise(file.fileno(), self._position, size, os.POSIX_FADV_WILLNEED)

    def late(self) -> None:
        """Read the file through the system's cache from now on: somebody had to wait."""
        self.route.direct = False

    @property
    def place(self) -> int:
        """Where in a page of the file the first row begins, in bytes."""
        return self._position % PAGE

    @property
    def _row(self) -> int:
        """The bytes of one row."""
        return math.prod(self.each) * self.dtype.itemsize

    @property
    def _position(self) -> int:
        """The position of the first of these rows in the file, in bytes."""
        return self.offset + self.start * self._row

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> HostArray:
        whole = np.empty(self.shape, self.dtype.newbyteorder("="))
        self.copy_to(whole)
        return whole if dtype is None else whole.astype(dtype, copy=False)


def open_npy(path: PathLike) -> NpyRows:
    """Return all rows of an NPY file, without reading them.

    Raises
    ------
    InputError
        If the file does not exist.
    FileFormatError
        If it is not an NPY file of numbers with rows in order, or is truncated.
    """
    file = existing_file(path)
    layout = npy_layout(file)
    if not layout.shape:
        raise FileFormatError(f"{file} holds a single number; expected an array with rows")
    if layout.order == "F" and len(layout.shape) > 1:
        raise FileFormatError(
            f"{file} is stored column by column (Fortran order), so that its rows cannot be "
            "read on their own; expected rows in order: save it with "
            "numpy.save(path, numpy.ascontiguousarray(x))"
        )
    size = layout.offset + math.prod(layout.shape) * layout.dtype.itemsize
    if os.path.getsize(file) != size:
        raise FileFormatError(
            f"{file} has {os.path.getsize(file)} bytes, but its header declares {size}; it is "
            "truncated or damaged: get a fresh copy"
        )
    rows, *each = layout.shape
    return NpyRows(
        file, layout.dtype, tuple(each), layout.offset, 0, rows, _Route(size >= LARGE)
    )
