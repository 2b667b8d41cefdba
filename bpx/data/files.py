"""Read bytes from files, and check the size that a file declares against its content.

Headers are not trusted. Before any allocation, the declared size is compared with the
bytes in the file. If the file is plain, they must be equal; if it is compressed, the size must
not exceed the most that deflate could expand the bytes to. Compressed bytes are then read in
chunks, so memory grows with the data and never with a false header.
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
"""Deflate expands 2 bits to at most 258 bytes (RFC 1951, section 3.2.5)."""

_CHUNK = 1 << 20
_GZIP_MAGIC = b"\x1f\x8b"
_MAX_DIMENSIONS = 64  # NumPy's own limit


@dataclass(slots=True)
class ByteStream:
    """A stream of bytes with a known limit.

    Attributes
    ----------
    label : str
        Its name in messages.
    stream : file object
        Open for reading bytes.
    limit : int
        The largest number of bytes that it can return in all.
    exact : bool
        Whether it returns exactly that many.
    used : int
        The number of bytes returned so far.
    """

    label: str
    stream: IO[bytes]
    limit: int
    exact: bool
    used: int = 0

    def read(self, size: int) -> bytes:
        """Return `size` bytes, or fewer at the end."""
        data = self.stream.read(size)
        self.used += len(data)
        return data

    def header(self, size: int) -> bytes:
        """Return exactly `size` bytes; raise FileFormatError if the header is cut short."""
        data = self.read(size)
        if len(data) < size:
            raise FileFormatError(
                f"{self.label}: the file ends inside its header, after {self.used} bytes; "
                "it is truncated: get a fresh copy"
            )
        return data

    def array(
        self, dtype: np.dtype[np.generic], shape: tuple[int, ...], order: Literal["C", "F"]
    ) -> HostArray:
        """Return the rest of the stream as a native-endian, C-contiguous, writable array.

        Parameters
        ----------
        dtype : numpy.dtype
            The stored dtype, in either byte order.
        shape : tuple of int
            The declared shape; not negative.
        order : {"C", "F"}
            The order of the elements in the stream.

        Raises
        ------
        FileFormatError
            If the declared size differs from the size of the content.
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
        # An empty array has no bytes to compare with, but its strides can still overflow.
        extent = math.prod(n for n in shape if n) * dtype.itemsize
        if extent > sys.maxsize or len(shape) > _MAX_DIMENSIONS:
            raise FileFormatError(
                f"{self.label}: the header declares the shape {shape}; expected at most "
                f"{_MAX_DIMENSIONS} dimensions that fit in memory: the file is damaged"
            )

    def _mismatch(
        self, dtype: np.dtype[np.generic], shape: tuple[int, ...], size: int, found: str
    ) -> FileFormatError:
        return FileFormatError(
            f"{self.label}: the header declares {dtype.name} of shape {shape}, {size} bytes, "
            f"but {found} bytes follow it; the file is truncated or damaged: get a fresh copy"
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
    """Return the path if it is a file; raise InputError otherwise."""
    file = expanded(path)
    if not os.path.isfile(file):
        kind = "is a folder or a device" if os.path.exists(file) else "does not exist"
        error = InputError if os.path.exists(file) else MissingFileError
        raise error(f"{file} {kind}; expected the path of a file")
    return file


@contextmanager
def open_bytes(path: PathLike) -> Iterator[ByteStream]:
    """Open a file's bytes, decompressed if its content (not its name) is gzip.

    Parameters
    ----------
    path : path
        An existing file.

    Yields
    ------
    ByteStream
        The stream, at the first byte of the content.

    Raises
    ------
    InputError
        If the file does not exist, or cannot be opened.
    FileFormatError
        If the gzip data are damaged.
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
        except InputError:  # raised in the block
            raise
        except (EOFError, OSError, zlib.error) as error:
            raise FileFormatError(
                f"{file}: the file cannot be read to its end ({error}); "
                "it is truncated or damaged: get a fresh copy"
            ) from error


def _open_raw(file: Path) -> IO[bytes]:
    try:
        return file.open("rb")
    except OSError as error:
        raise InputError(
            f"{file} cannot be opened ({error.strerror}); expected a readable file"
        ) from error


def _gunzip(raw: IO[bytes]) -> IO[bytes]:
    import gzip

    return cast("IO[bytes]", gzip.GzipFile(fileobj=raw, mode="rb"))
