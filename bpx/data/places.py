"""Where data sets lie: the environment, and the files in a folder."""

import os
from collections.abc import Sequence
from pathlib import Path

from bpx._files import expanded
from bpx.data.files import PathLike
from bpx.errors import InputError

__all__ = ["as_folder", "data_folder", "find", "mirror_url"]


def data_folder() -> Path | None:
    """The folder that BPX_DATA names; None if it is unset or empty."""
    value = os.environ.get("BPX_DATA")
    return as_folder(value, "BPX_DATA") if value else None


def mirror_url() -> str | None:
    """The URL that BPX_MIRROR names; None if it is unset or empty."""
    return os.environ.get("BPX_MIRROR") or None


def as_folder(path: PathLike, origin: str) -> Path:
    """The path of a folder that exists; otherwise an InputError that names its origin."""
    folder = expanded(path)
    if not os.path.isdir(folder):
        raise InputError(
            f"{origin} is {os.fspath(path)!r}, which is not a folder; "
            "expected an existing folder with the data set's files"
        )
    return folder


def find(folder: Path, name: str, files: Sequence[str]) -> list[Path] | None:
    """All the files of a data set, plain or .gz, in ``folder/name`` or in the folder.

    Parameters
    ----------
    folder : Path
        Where to look.
    name : str
        The data set's, which a subfolder may bear. It is looked at first, since data
        sets of one format have files of the same names.
    files : sequence of str
        The names without ``.gz``.

    Returns
    -------
    list of Path or None
        In the order of `files`; None unless one place has them all.
    """
    for place in (folder / name, folder):
        found = [path for file in files if (path := _either(place / file)) is not None]
        if len(found) == len(files):
            return found
    return None


def _either(plain: Path) -> Path | None:
    compressed = plain.with_name(f"{plain.name}.gz")
    return next((path for path in (plain, compressed) if os.path.isfile(path)), None)
