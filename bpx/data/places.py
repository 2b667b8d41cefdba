"""Find the folder and the files of a data set."""

import os
from collections.abc import Sequence
from pathlib import Path

from bpx._files import expanded
from bpx.data.files import PathLike
from bpx.errors import InputError

__all__ = ["as_folder", "data_folder", "find", "mirror_url"]


def data_folder() -> Path | None:
    """Return the folder that BPX_DATA names; None if it is unset or empty."""
    value = os.environ.get("BPX_DATA")
    return as_folder(value, "BPX_DATA") if value else None


def mirror_url() -> str | None:
    """Return the URL that BPX_MIRROR names; None if it is unset or empty."""
    return os.environ.get("BPX_MIRROR") or None


def as_folder(path: PathLike, origin: str) -> Path:
    """Return the path if it is a folder; raise InputError, which names `origin`, otherwise."""
    folder = expanded(path)
    if not os.path.isdir(folder):
        raise InputError(
            f"{origin} is {os.fspath(path)!r}, which is not a folder; "
            "expected an existing folder with the data set's files"
        )
    return folder


def find(folder: Path, name: str, files: Sequence[str]) -> list[Path] | None:
    """Find all the files of a data set, plain or .gz, in ``folder/name`` or in the folder.

    Parameters
    ----------
    folder : Path
        The folder to search.
    name : str
        The data set's name. A subfolder of this name is searched first, since the files
        of different data sets can have the same names.
    files : sequence of str
        The files' names without ``.gz``.

    Returns
    -------
    list of Path or None
        The paths in the order of `files`; None unless one folder has them all.
    """
    for place in (folder / name, folder):
        found = [path for file in files if (path := _either(place / file)) is not None]
        if len(found) == len(files):
            return found
    return None


def _either(plain: Path) -> Path | None:
    compressed = plain.with_name(f"{plain.name}.gz")
    return next((path for path in (plain, compressed) if os.path.isfile(path)), None)
