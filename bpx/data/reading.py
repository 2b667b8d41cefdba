"""One door for files of every kind."""

from pathlib import PurePath

from bpx.data.files import PathLike
from bpx.data.readers.csv import LAST, Target, read_csv
from bpx.data.readers.idx import is_idx, read_idx
from bpx.data.readers.numpy import read_npy, read_npz
from bpx.data.split import HostArray, Split, as_split
from bpx.errors import InputError

__all__ = ["read"]

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_NPZ_TARGET = "y"


def read(
    path: PathLike,
    *,
    target: Target = LAST,
    delimiter: str | None = None,
    header: bool | None = None,
) -> Split:
    """Samples and targets from a file, by the suffix of its name.

    Parameters
    ----------
    path : path
        ``.csv`` and ``.tsv`` are tables, ``.npz`` has the arrays `x` and `y`, ``.npy``
        has `x` alone. A further ``.gz`` changes nothing. A file of any other name is
        read if it is IDX, which has `x` alone.
    target : int, str or None
        The targets: of a table, the column as in `read_csv`; of an NPZ file, the key
        (by default `y`). None to read none.
    delimiter, header
        For tables only, as in `read_csv`; the delimiter is by default the suffix's own.

    Returns
    -------
    Split
        x float32 of shape (n, d), the values as stored (nothing is scaled) and each
        sample flattened to a row; y as the file has it, else None.

    Raises
    ------
    InputError
        There is no such file or column, its kind is not known, or an option does not
        apply to it.
    FileFormatError
        The file is truncated, foreign, or not what it declares to be.
    """
    suffix = _suffix(path)
    if suffix in _DELIMITERS:
        delimiter = _DELIMITERS[suffix] if delimiter is None else delimiter
        return read_csv(path, target=target, delimiter=delimiter, header=header)
    key = _NPZ_TARGET if target == LAST else target
    if suffix == ".npz" and not isinstance(key, int):
        _refuse(path, delimiter=delimiter, header=header)
        return read_npz(path, target=key)
    _refuse(path, target=None if target == LAST else target, delimiter=delimiter, header=header)
    return as_split(_read_array(path, suffix), None, str(path))


def _read_array(path: PathLike, suffix: str) -> HostArray:
    if suffix == ".npy":
        return read_npy(path)
    if not is_idx(path):
        raise InputError(
            f"{path}: the suffix is {suffix!r} and the content is not IDX; "
            "expected .csv, .tsv, .npy, .npz or an IDX file: rename it, or call its reader"
        )
    return read_idx(path)


def _refuse(path: PathLike, **options: object) -> None:
    given = [f"{name}={value!r}" for name, value in options.items() if value is not None]
    if given:
        raise InputError(
            f"{path}: {', '.join(given)} was given, which a file of this kind has no use for; "
            "expected a .csv or .tsv file, or no such option"
        )


def _suffix(path: PathLike) -> str:
    name = PurePath(path).name.lower()
    return PurePath(name.removesuffix(".gz")).suffix
