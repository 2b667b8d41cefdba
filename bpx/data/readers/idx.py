"""IDX, the format of MNIST: a magic number, the dimensions, the elements, all big-endian."""

import struct

import numpy as np

from bpx.data.files import PathLike, open_bytes
from bpx.data.split import HostArray
from bpx.errors import FileFormatError

__all__ = ["is_idx", "read_idx"]

_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: PathLike) -> HostArray:
    """Read the array in an IDX file, plain or gzip (detected from the content).

    Parameters
    ----------
    path : path
        An existing file.

    Returns
    -------
    ndarray
        The array, with the shape and dtype that the file declares (uint8, int8, int16,
        int32, float32 or float64); native-endian, C-contiguous, writable.

    Raises
    ------
    InputError
        If the file does not exist.
    FileFormatError
        If the file is not IDX, or does not have the size that it declares. This is
        checked before an array of the declared size is allocated.

    Notes
    -----
    The format is described at the foot of LeCun, Cortes and Burges, "The MNIST
    database of handwritten digits".
    """
    with open_bytes(path) as source:
        magic = source.header(4)
        _check_magic(magic, source.label)
        rank = magic[3]
        shape = struct.unpack(f">{rank}I", source.header(4 * rank))
        return source.array(np.dtype(_DTYPES[magic[2]]), shape, "C")


def is_idx(path: PathLike) -> bool:
    """Whether a file starts like IDX."""
    with open_bytes(path) as source:
        return _has_magic(source.read(4))


def _has_magic(magic: bytes) -> bool:
    return len(magic) == 4 and magic[:2] == b"\0\0" and magic[2] in _DTYPES


def _check_magic(magic: bytes, label: str) -> None:
    if not _has_magic(magic):
        codes = ", ".join(f"0x{code:02x}" for code in _DTYPES)
        raise FileFormatError(
            f"{label}: starts with the bytes {magic.hex(' ')}, which is not IDX; expected "
            f"00 00, a type code ({codes}) and the number of dimensions"
        )
