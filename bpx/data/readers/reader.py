"""What `bpx.data.read` knows of a kind of file."""

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
"""What `bpx.data.read` may be given for a reader."""


@dataclass(frozen=True)
class Reader:
    """How files of one kind are read: an entry of `bpx.data.READERS`.

    Parameters
    ----------
    read : callable
        ``read(path, **options)`` gives a pair (x, y) of host arrays: x of shape (n, ...), y of
        shape (n,) or (n, 1), whole numbers for labels, or (n, k), or None. It is given those
        options alone that the caller gave. The pair is checked, x is made rows of float32; a
        `Split` is taken as it is.
    options : tuple of str, optional
        Which of ``"inputs"``, ``"target"``, ``"delimiter"`` and ``"header"`` it takes. Others
        are refused.

    Raises
    ------
    InputError
        If there is no such option.

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
                    f"a reader was given the option {option!r}; expected some of "
                    f"{', '.join(map(repr, OPTIONS))}, which bpx.data.read takes"
                )

    def split(self, path: PathLike, **given: Any) -> Split:
        """What is in a file, checked and brought to one form.

        Raises
        ------
        InputError
            If it reads neither a pair nor a `Split`.
        FileFormatError
            If the arrays cannot be samples.
        """
        found = self.read(path, **given)
        if isinstance(found, Split):
            return found
        if not isinstance(found, tuple) or len(found) != 2:
            raise InputError(
                f"{path}: the reader of {Path(path).suffix!r} gave {type(found).__name__}; "
                "expected a pair (x, y) of arrays, with None for y where there are no targets"
            )
        x, y = found
        return as_split(np.asarray(x), None if y is None else np.asarray(y), str(path))
