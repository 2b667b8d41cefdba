"""`read`: one function for files of every kind."""

import os
from pathlib import PurePath
from typing import Any

from bpx._files import expanded
from bpx.data.files import PathLike
from bpx.data.readers import READERS
from bpx.data.readers.csv import LAST, Target
from bpx.data.readers.idx import is_idx, read_idx
from bpx.data.readers.reader import Reader
from bpx.data.split import HostArray, Split
from bpx.errors import InputError, advice, option

__all__ = ["read"]


def read(
    path: PathLike,
    *,
    inputs: str | None = None,
    target: Target = LAST,
    delimiter: str | None = None,
    header: bool | None = None,
) -> Split:
    """Read samples and targets from a file, by the suffix of its name: see `bpx.data.READERS`.

    Parameters
    ----------
    path : path
        ``.csv`` and ``.tsv`` are tables, ``.npz`` has the arrays `x` and `y`, ``.npy``
        has only `x`. A final ``.gz`` is allowed. A file with any other suffix is read
        if it is IDX, which has only `x`.
    inputs : str, optional
        The key of the samples in an NPZ file (by default `x`).
    target : int, str or None
        The targets: a table's column as in `read_csv`, or the key in an NPZ file
        (by default `y`). None to read no targets.
    delimiter, header
        For tables only, as in `read_csv`; the suffix determines the default delimiter.

    Returns
    -------
    Split
        x float32 of shape (n, d), the values as stored (nothing is scaled) and each
        sample flattened to a row; y as the file has it, else None.

    Raises
    ------
    InputError
        If the file, column or key does not exist, the kind of file is unknown, or an option
        does not apply to it.
    FileFormatError
        If the file is truncated, of another format, or inconsistent with its header.
    """
    if os.fspath(path).startswith("~"):
        path = expanded(path)  # so that a user's reader need not do it
    reader = READERS.get(_suffix(path), _IDX)
    options = {"inputs": inputs, "delimiter": delimiter, "header": header}
    given: dict[str, Any] = {
        name: value for name, value in options.items() if value is not None
    }
    if target != LAST and (target is not None or "target" in reader.options):
        given["target"] = target
    _refuse(path, {name: v for name, v in given.items() if name not in reader.options})
    found = reader.split(path, **given)
    return found if target is not None else Split(found.x, None)


def _idx(path: PathLike) -> tuple[HostArray, None]:
    if not is_idx(path):
        raise InputError(
            f"{path}: the suffix is {_suffix(path)!r}, and the content is not IDX; expected "
            f"{', '.join(READERS)} or an IDX file: rename it"
            + advice(", or call its reader", "")
        )
    return read_idx(path), None


_IDX = Reader(_idx)


def _refuse(path: PathLike, options: dict[str, Any]) -> None:
    if options:
        given = ", ".join(option(name, value) for name, value in options.items())
        raise InputError(
            f"{path}: {given} was given, which does not apply to files of this kind; expected "
            f"a {_taking(options)} file, or no such option"
        )


def _taking(options: dict[str, Any]) -> str:
    """Return the suffixes of the files that take all these options."""
    suffixes = [name for name, each in READERS.items() if {*options} <= {*each.options}]
    return " or ".join(filter(None, (", ".join(suffixes[:-1]), *suffixes[-1:])))


def _suffix(path: PathLike) -> str:
    name = PurePath(path).name.lower()
    return PurePath(name.removesuffix(".gz")).suffix
