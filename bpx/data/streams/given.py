"""The source of a stream: what the arguments of `bpx.data.stream` are."""

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePath
from typing import Any

from bpx.data.files import PathLike
from bpx.data.streams import arrow
from bpx.data.streams.lazy import check_lazy, is_lazy
from bpx.data.streams.npy import open_npy
from bpx.data.streams.real import on_host
from bpx.data.streams.source import Source
from bpx.data.streams.sources import Chunks, Sliced
from bpx.data.tables.table import Key
from bpx.errors import InputError

__all__ = ["source_of"]


def source_of(x: Any, y: Any, s: Any) -> tuple[Source, Key | None]:
    """Return the source, and the column of the weights in its tables.

    Parameters
    ----------
    x, y
        As for `bpx.data.stream`.
    s : path, array, str, int or None
        The weights of the samples.

    Raises
    ------
    InputError
        If there is no source for such arguments, or they do not go together.
    FileFormatError
        If a file is truncated or of another format.
    """
    label = f"{str(x)!r}" if isinstance(x, str | os.PathLike) else type(x).__name__
    if is_lazy(x):
        check_lazy(x, "x")
        label = "a dask array"
    if hasattr(x, "get_fragments"):
        return arrow.Files(x, label), _column(y, s)
    if _are_paths(x) and not _is_npy(x):
        return arrow.open_files(x, label), _column(y, s)
    if _is_npy(x) or hasattr(x, "shape"):
        opened = _opened(x, "x"), _opened(y, "y"), _opened(s, "sample_weight")
        return Sliced(*opened, label), None
    if callable(x) or isinstance(x, Iterable):
        if y is not None and isinstance(x, list | tuple):
            raise InputError(
                f"x is a {label}, which is read as chunks (x, y), but y was given, too; "
                "expected chunks alone, or, for rows, an array: numpy.asarray(x)"
            )
        return Chunks(_beginning(x), label), _column(y, s)
    raise InputError(
        f"x is {label}; expected a path, an array that can be sliced by rows, or an iterable "
        "of chunks (x, y)"
    )


def _column(y: Any, s: Any) -> Key | None:
    if y is not None:
        raise InputError(
            "y was given with samples that have their own targets; expected target=, the name "
            "of a column, or chunks (x, y)"
        )
    if s is not None and not isinstance(s, str | int):
        raise InputError(
            f"sample_weight is {type(s).__name__}; expected the name of a column, or chunks "
            "(x, y, sample_weight)"
        )
    return s


def _beginning(x: Any) -> Callable[[], Iterable[Any]]:
    if callable(x):
        return x
    if iter(x) is x:
        raise InputError(
            f"x is a {type(x).__name__}, which runs only once, but every epoch begins anew; "
            "expected a list of chunks, or a function that returns a new iterator, such as "
            "bpx.data.stream(read_chunks) without the parentheses of a call"
        )
    return lambda: x


def _are_paths(x: Any) -> bool:
    several = isinstance(x, Sequence) and not isinstance(x, str) and len(x) > 0
    each = x if several else [x]
    return all(isinstance(path, str | os.PathLike) for path in each)


def _is_npy(x: PathLike | Any) -> bool:
    return isinstance(x, str | os.PathLike) and PurePath(x).suffix.lower() == ".npy"


def _opened(x: Any, name: str) -> Any:
    if isinstance(x, list | tuple):
        return on_host(x, name)
    return open_npy(x) if isinstance(x, str | os.PathLike) else x
