"""Bytes from files, with what a file declares held against what it has.

A header is only a claim. Before anything is allocated the size that it declares is
compared with the bytes that are there: exactly, where the file is plain; and where
it is compressed with the most that deflate could make of them, after which the
bytes are read piece by piece, so that memory follows the data and never the claim.
"""

import math
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, TypeAlias, cast

import numpy as np

from bpx._files import expanded
from bpx.data.split import HostArray
from bpx.errors import FileFormatError, InputError, MissingFileError

__all__ = ["MAX_EXPANSION", "ByteStream", "PathLike", "existing_file", "open_bytes"]

PathLike: TypeAlias = str | os.PathLike[str]

MAX_EXPANSION = 1032
"""Deflate makes at most 258 bytes of 2 bits (RFC 1951, section 3.2.5)."""

_CHUNK = 1 << 20
_GZIP_MAGIC = b"\x1f\x8b"
_MAX_DIMENSIONS = 64  # NumPy's own limit


@dataclass(slots=True)
class ByteStream:
    """A stream of bytes that knows how many it can give.

    Attributes
    ----------
    label : str
        What messages call it.
    stream : file object
        Open for reading bytes.
    limit : int
        The most bytes that it can give, from first to last.
    exact : bool
        Whether it gives exactly so many.
    used : int
        The bytes given so far.
    """

    label: str
    stream: IO[bytes]
    limit: int
    exact: bool
    used: int = 0

    def read(self, size: int) -> bytes:
        """At most `size` bytes; fewer only at the end."""
        data = self.stream.read(size)
        self.used += len(data)
        return data

    def header(self, size: int) -> bytes:
        """Exactly `size` bytes, or a FileFormatError that says the header is cut short."""
        data = self.read(size)
        if len(data) < size:
            raise FileFormatError(
                f"{self.label}: the file ends inside its header, after {self.used} bytes; "
                "it is truncated: get it again"
            )
        return data

    def array(
        self, dtype: np.dtype[np.generic], shape: tuple[int, ...], order: Literal["C", "F"]
    ) -> HostArray:
        """The rest of the stream as an array: native-endian, C-contiguous, writable.

        Parameters
        ----------
        dtype : numpy.dtype
            As stored, of either byte order.
        shape : tuple of int
            As declared; not negative.
        order : {"C", "F"}
            How the elements are laid out in the stream.

        Raises
        ------
        FileFormatError
            The declared size is not the size that is there.
        """
        self._check_declared(dtype, shape)
        size = math.prod(shape) * dtype.itemsize
        data = self._grow(size)
        if len(data) < size or self.read(1):
            found = f"more than {size}" if len(data) == size else str(len(data))
            raise self._mismatch(dtype, shape, size, found)
        return _native(np.ndarray(shape, dtype, buffer=data, order=order))

    def _check_declared(self, dtype: np.dtype[np.generic], shape: tuple[int, ...]) -> None:
        size, room = math.prod(shape) * dtype.itemsize, self.limit - self.used
        if size > room or (self.exact and size != room):
            found = str(room) if self.exact else f"at most {room}"
            raise self._mismatch(dtype, shape, size, found)
        # An empty array has no bytes to be held against, only strides that can overflow.
        extent = math.prod(n for n in shape if n) * dtype.itemsize
        if extent > sys.maxsize or len(shape) > _MAX_DIMENSIONS:
            raise FileFormatError(
                f"{self.label}: the header declares the shape {shape}; expected at most "
                f"{_MAX_DIMENSIONS} dimensions that can be addressed: the file is damaged"
            )

    def _mismatch(
        self, dtype: np.dtype[np.generic], shape: tuple[int, ...], size: int, found: str
    ) -> FileFormatError:
        return FileFormatError(
            f"{self.label}: the header declares {dtype.name} of shape {shape}, {size} bytes, "
            f"but {found} bytes follow it; the file is truncated or damaged: get it again"
        )

    def _grow(self, size: int) -> bytearray:
        data = bytearray()
        while len(data) < size:
            chunk = self.read(min(_CHUNK, size - len(data)))
            if not chunk:
                break
            data += chunk
        return data


def _native(array: HostArray) -> HostArray:
    if not array.dtype.isnative:
        array = array.byteswap(inplace=True).view(array.dtype.newbyteorder())
    return array if array.flags.c_contiguous else np.array(array, order="C")


def existing_file(path: PathLike) -> Path:
    """The path of a file that exists; otherwise an InputError."""
    file = expanded(path)
    if not os.path.isfile(file):
        kind = "a folder or a device" if os.path.exists(file) else "nothing"
        error = InputError if os.path.exists(file) else MissingFileError
        raise error(f"{file}: there is {kind} here; expected the path of a file")
    return file


@contextmanager
def open_bytes(path: PathLike) -> Iterator[ByteStream]:
    """A file's bytes, decompressed if it is gzip, which its content tells and not its name.

    Parameters
    ----------
    path : path
        An existing file.

    Yields
    ------
    ByteStream
        From the first byte of the content on.

    Raises
    ------
    InputError
        There is no such file, or it cannot be opened.
    FileFormatError
        The gzip data are damaged.
    """
    file = existing_file(path)
    with _open_raw(file) as raw:
        size = os.fstat(raw.fileno()).st_size
        compressed = raw.read(2) == _GZIP_MAGIC
        raw.seek(0)
        try:
            if compressed:
                with _gunzip(raw) as stream:
                    yield ByteStream(str(file), stream, size * MAX_EXPANSION, exact=False)
            else:
                yield ByteStream(str(file), raw, size, exact=True)
        except InputError:  # of another file
            raise
        except (EOFError, OSError, zlib.error) as error:
            raise FileFormatError(
                f"{file}: the file cannot be read to its end ({error}); "
                "it is truncated or damaged: get it again"
            ) from error


def _open_raw(file: Path) -> IO[bytes]:
    try:
        return file.open("rb")
    except OSError as error:
        raise InputError(
            f"{file}: cannot be opened ({error.strerror}); expected a file that can be read"
        ) from error


def _gunzip(raw: IO[bytes]) -> IO[bytes]:
    import gzip

    return cast("IO[bytes]", gzip.GzipFile(fileobj=raw, mode="rb"))
