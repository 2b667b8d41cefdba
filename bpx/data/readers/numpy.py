"""Read NPY and NPZ files without pickle, and without trusting their headers.

The header of an NPY file is a Python literal. This module parses it and accepts only
the few forms that numeric arrays take.
"""

import ast
import os
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from bpx.data.files import MAX_EXPANSION, ByteStream, PathLike, existing_file, open_bytes
from bpx.data.split import HostArray, Split, as_split
from bpx.errors import BpxError, FileFormatError, InputError, advice, option

if TYPE_CHECKING:
    from zipfile import ZipFile, ZipInfo

__all__ = ["NpyLayout", "npy_layout", "read_npy", "read_npz"]

_MAGIC = b"\x93NUMPY"
_LENGTH = {1: "<H", 2: "<I", 3: "<I"}
_MAX_HEADER = 1 << 16
_NUMERIC = re.compile(r"[<>=|]?[biufc]\d+")
_ENCRYPTED = 0x1
_USUAL = {"inputs": "x", "target": "y"}


class _Header(NamedTuple):
    dtype: np.dtype[np.generic]
    order: Literal["C", "F"]
    shape: tuple[int, ...]


class NpyLayout(NamedTuple):
    """What the header of an NPY file declares, and the position of the array in the file."""

    dtype: np.dtype[np.generic]
    order: Literal["C", "F"]
    shape: tuple[int, ...]
    offset: int


def npy_layout(path: PathLike) -> NpyLayout:
    """Read the header of a plain NPY file.

    Raises
    ------
    InputError
        If the file does not exist.
    FileFormatError
        If it is compressed or not NPY, or holds anything but numbers.
    """
    with open_bytes(path) as source:
        if not source.exact:
            raise FileFormatError(
                f"{source.label} is compressed, so that it can only be read as a whole; "
                "expected a plain NPY file: decompress it"
            )
        return NpyLayout(*_parse(_header_text(source), source.label), source.used)


def read_npy(path: PathLike) -> HostArray:
    """Read the array in an NPY file, plain or gzip (detected from the content).

    Parameters
    ----------
    path : path
        An existing file, as `numpy.save` writes it.

    Returns
    -------
    ndarray
        The array, with the shape and the numeric dtype that the file declares;
        native-endian, C-contiguous, writable.

    Raises
    ------
    InputError
        If the file does not exist.
    FileFormatError
        If the file is not NPY; holds Python objects, text or records; or does not have
        the size that it declares. This is checked before the array is allocated.

    Notes
    -----
    The format is NumPy Enhancement Proposal 1.
    """
    with open_bytes(path) as source:
        return _read_array(source)


def read_npz(path: PathLike, *, inputs: str = "x", target: str | None = "y") -> Split:
    """Read samples and targets from an NPZ file: the arrays `x` and `y`, or others by name.

    Parameters
    ----------
    path : path
        An existing file, as ``numpy.savez(path, x=x, y=y)`` or `numpy.savez_compressed`
        writes it. The keys may also be `X` and `Y`.
    inputs : str
        The key of the samples.
    target : str or None
        The key of the targets; None to read no targets.

    Returns
    -------
    Split
        x float32 of shape (n, d), its rows flattened; y int32 labels of shape (n,), or
        float32 targets of shape (n,) or (n, k), or None without a target.

    Raises
    ------
    InputError
        If the file does not exist, or an argument is not a key.
    FileFormatError
        If the file is not NPZ, lacks the keys, is damaged, or declares sizes that its
        bytes cannot have.
    """
    _check_keys(path, inputs, target)
    with _open_archive(path) as archive:
        members = {name.removesuffix(".npy"): name for name in archive.namelist()}
        x = _member(archive, _find(members, "inputs", inputs, target, str(path)), str(path))
        y = None
        if target is not None:
            y = _member(archive, _find(members, "target", target, inputs, str(path)), str(path))
    return as_split(x, y, str(path))


def _check_keys(path: PathLike, inputs: object, target: object) -> None:
    """Raise InputError unless the keys name two arrays; a number is a column, not a key."""
    given = {"inputs": inputs} if target is None else {"inputs": inputs, "target": target}
    for name, key in given.items():
        if not isinstance(key, str):
            raise InputError(
                f"{path}: {option(name, key)} was given; expected the key of an array, such as "
                f"{option(name, _USUAL[name])}: an NPZ file has no columns"
            )
    if inputs == target:
        raise InputError(
            f"{path}: {option('inputs', inputs)} and {option('target', target)} were given; "
            "expected two arrays"
        )


def _find(members: dict[str, str], what: str, key: str, other: str | None, label: str) -> str:
    """Find the member for `key`, the value of the argument `what`; `other` is the other key."""
    name = members.get(key) or members.get(key.upper())
    if name is None:
        spare = [each for each in sorted(members) if each not in (other, (other or "").upper())]
        raise FileFormatError(
            f"{label} has the keys {sorted(members)}; expected {key!r}: "
            + (f"name another, such as {option(what, spare[0])}, or " if spare else "")
            + advice(
                "write the file with numpy.savez(path, x=..., y=...)",
                "write the file with numpy.savez, with the arrays x and y",
            )
            + (advice(", or read x alone with target=None", "") if what == "target" else "")
        )
    return name


def _member(archive: "ZipFile", name: str, label: str) -> HostArray:
    info, label = archive.getinfo(name), f"{label}: {name}"
    _check_member(info, os.path.getsize(archive.filename or ""), label)
    with archive.open(info) as stream:
        return _read_array(ByteStream(label, stream, info.file_size, exact=True))


def _check_member(info: "ZipInfo", archive_size: int, label: str) -> None:
    from zipfile import ZIP_DEFLATED, ZIP_STORED

    ratio = {ZIP_STORED: 1, ZIP_DEFLATED: MAX_EXPANSION}.get(info.compress_type)
    if ratio is None or info.flag_bits & _ENCRYPTED:
        raise FileFormatError(
            f"{label}: is encrypted, or compressed by method {info.compress_type}; expected "
            "stored or deflated, as numpy.savez and numpy.savez_compressed write it"
        )
    stored = min(info.compress_size, archive_size)
    if info.file_size > ratio * stored:
        raise FileFormatError(
            f"{label}: declares {info.file_size} bytes, which the {stored} stored bytes cannot "
            "hold; the file is damaged: get a fresh copy"
        )


@contextmanager
def _open_archive(path: PathLike) -> Iterator["ZipFile"]:
    from zipfile import BadZipFile, ZipFile

    file = existing_file(path)
    try:
        with ZipFile(file) as archive:
            yield archive
    except BpxError:
        raise
    except (
        BadZipFile,
        EOFError,
        OSError,
        OverflowError,
        RuntimeError,
        ValueError,
        struct.error,
        zlib.error,
    ) as error:
        raise FileFormatError(
            f"{file} cannot be read as NPZ, which is a zip archive ({error}); it has another "
            "format, or is truncated or damaged: write it with numpy.savez"
        ) from error


def _read_array(source: ByteStream) -> HostArray:
    header = _parse(_header_text(source), source.label)
    return source.array(header.dtype, header.shape, header.order)


def _header_text(source: ByteStream) -> str:
    magic = source.header(8)
    length_format = _LENGTH.get(magic[6])
    if magic[:6] != _MAGIC or length_format is None:
        raise FileFormatError(
            f"{source.label}: starts with the bytes {magic.hex(' ')}, which is not NPY; "
            f"expected {_MAGIC.hex(' ')} and a version from 1 to 3: write it with numpy.save"
        )
    (length,) = struct.unpack(length_format, source.header(struct.calcsize(length_format)))
    if length > _MAX_HEADER:
        raise FileFormatError(
            f"{source.label}: declares a header of {length} bytes; expected at most "
            f"{_MAX_HEADER}: the file is damaged, or holds records instead of numbers"
        )
    return source.header(length).decode("latin-1")


def _parse(text: str, label: str) -> _Header:
    try:
        fields = ast.literal_eval(text)
        descr, fortran, shape = (fields[k] for k in ("descr", "fortran_order", "shape"))
    except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError) as error:
        raise FileFormatError(
            f"{label}: the NPY header cannot be parsed; expected a dictionary with descr, "
            "fortran_order and shape: the file is damaged, get a fresh copy"
        ) from error
    if not _is_shape(shape) or not isinstance(fortran, bool):
        raise FileFormatError(
            f"{label}: the NPY header declares shape {shape!r:.80} and fortran_order "
            f"{fortran!r:.80}; expected a tuple of sizes and a bool: the file is damaged"
        )
    return _Header(_dtype(descr, label), "F" if fortran else "C", shape)


def _is_shape(shape: object) -> bool:
    return isinstance(shape, tuple) and all(type(n) is int and n >= 0 for n in shape)


def _dtype(descr: object, label: str) -> np.dtype[np.generic]:
    if isinstance(descr, str) and descr.lstrip("<>=|").startswith("O"):
        raise FileFormatError(
            f"{label}: holds Python objects, which only pickle can read, and bpx never "
            "unpickles; expected numbers: save an array with a numeric dtype"
        )
    try:
        if isinstance(descr, str) and _NUMERIC.fullmatch(descr):
            return np.dtype(descr)
    except TypeError:
        pass
    raise FileFormatError(
        f"{label}: holds elements of type {descr!r:.80}; expected booleans, integers or "
        "floating-point numbers: save an array with a numeric dtype"
    )
