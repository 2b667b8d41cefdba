"""`Reader`: how `bpx.data.read` reads one kind of file."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bpx.data.files import PathLike
from bpx.data.split import Split, as_split
from bpx.errors import InputError

__all__ = ["OPTIONS", "Reader"]

OPTIONS = ("inputs", "target", "delimiter", "header")
"""The options that `bpx.data.read` can pass to a reader."""


@dataclass(frozen=True)
class Reader:
    """A reader for one kind of file: an entry of `bpx.data.READERS`.

    Parameters
    ----------
    read : callable
        ``read(path, **options)`` returns a pair (x, y) of host arrays: x of shape (n, ...), y
        of shape (n,) or (n, 1), whole numbers for labels, or (n, k), or None. It receives only
        the options that the caller gave. The pair is checked, and x becomes rows of float32; a
        `Split` is returned unchanged.
    options : tuple of str, optional
        The options that it takes: any of ``"inputs"``, ``"target"``, ``"delimiter"`` and
        ``"header"``. Others raise InputError.

    Raises
    ------
    InputError
        If an option is unknown.

    Examples
    --------
    >>> def read_pairs(path):
    ...     rows = np.loadtxt(path, delimiter=":")
    ...     return rows[:, :-1], rows[:, -1].astype("int32")
    >>> reader = bpx.data.Reader(read_pairs)
    >>> bpx.data.READERS[".pairs"] = reader  # doctest: +SKIP
    """

    read: Callable[..., Any]
    options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for option in self.options:
            if option not in OPTIONS:
                raise InputError(
                    f"a reader was given the option {option!r}; bpx.data.read takes "
                    f"{', '.join(map(repr, OPTIONS))}"
                )

    def split(self, path: PathLike, **given: Any) -> Split:
        """Read a file, and check and convert its content.

        Raises
        ------
        InputError
            If `read` returns neither a pair nor a `Split`.
        FileFormatError
            If the arrays cannot be samples and targets.
        """
        found = self.read(path, **given)
        if isinstance(found, Split):
            return found
        if not isinstance(found, tuple) or len(found) != 2:
            raise InputError(
                f"{path}: the reader of {Path(path).suffix!r} returned {type(found).__name__}; "
                "expected a pair (x, y) of arrays, with None for y if there are no targets"
            )
        x, y = found
        return as_split(np.asarray(x), None if y is None else np.asarray(y), str(path))
