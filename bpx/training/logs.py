"""Callbacks that write each record to a file: as a row of CSV, or as a line of JSON."""

import csv
import errno
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import StringIO
from logging import getLogger
from math import isfinite
from os import SEEK_END
from pathlib import Path
from typing import IO, Any

from bpx._files import expanded, write_atomically
from bpx._validate import flag
from bpx.errors import InputError
from bpx.training.records import Epoch
from bpx.training.rows import Row, row

__all__ = ["CSVLog", "JSONLog"]

_log = getLogger("bpx")
_FULL = (errno.ENOSPC, errno.EDQUOT)


class _Log(ABC):
    """A file of records, and those for which there is no room on the disk yet."""

    def __init__(self, path: str | Path) -> None:
        self.path, self._waiting = _log_file(path), list[tuple[int, Row]]()

    def __call__(self, epoch: Epoch) -> None:
        """Write the record of an epoch; if the disk is full, say so, and keep it."""
        self._waiting.append((epoch.number, row(epoch)))
        try:
            self._write_all()
        except InputError as error:
            if not _is_full(error):
                self._waiting.pop()
                raise
            if len(self._waiting) == 1:
                _log.warning(
                    "epoch %d could not be written to %s (%s); training goes on, and the "
                    "records are written once there is room",
                    epoch.number,
                    self.path,
                    getattr(error.__cause__, "strerror", error),
                )

    def close(self) -> None:
        """Write the records that are still kept, or say which are not in the file."""
        try:
            self._write_all()
        except InputError as error:  # which must not hide why training ends
            numbers = ", ".join(str(number) for number, _ in self._waiting)
            _log.warning("%s has no record of epoch %s (%s)", self.path, numbers, error)

    def _write_all(self) -> None:
        while self._waiting:
            self._write(*self._waiting[0])
            del self._waiting[0]

    @abstractmethod
    def _write(self, number: int, found: Row) -> None:
        """Write the record of the epoch with that number.

        Raises
        ------
        InputError
            If that is not possible; what is in the file then stays.
        """

    def __repr__(self) -> str:
        return f"<bpx.{type(self).__name__} {str(self.path)!r}>"


class CSVLog(_Log):
    r"""Write a row of CSV after each epoch: a callback of `bpx.train`.

    The columns are ``epoch``, ``cost``, ``accuracy``, ``validation_cost``,
    ``validation_accuracy``, ``seconds``, ``samples_per_second``, the metrics as
    ``validation_<metric>``, ``eta``, and the numbers of observers. A value that does not apply
    is empty. Each row is written before the next epoch begins, and the file is never left open.
    If the disk is full, training goes on, and the rows are written once there is room.

    Parameters
    ----------
    path : str or Path
        A file, in a folder that exists.
    append : bool, optional
        If True, keep the rows of an existing file. By default the first one replaces it. If the
        first record is that of a later epoch than 1, as in a run that is continued, the rows
        at the end of the file for the same epoch or later ones are removed.

    Raises
    ------
    InputError
        If the path is that of a folder or in no folder, or if the file cannot be written or,
        to append, read.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> path = Path(tempfile.mkdtemp()) / "history.csv"
    >>> net = bpx.Network([2, 3, 2], seed=0)
    >>> x, y = [[0.0, 1.0], [1.0, 0.0]], [0, 1]
    >>> settings = {"epochs": 2, "batch_size": 1, "optimizer": bpx.SGD(1.0)}
    >>> history = net.fit(x, y, callbacks=[bpx.CSVLog(path)], **settings)
    >>> path.read_text().count("\n")
    3
    """

    def __init__(self, path: str | Path, *, append: bool = False) -> None:
        super().__init__(path)
        self._columns = list[str]()
        self._continues = flag("append", append) and self.path.exists()
        if self._continues:
            with _opened(self.path, "r") as file:
                self._columns = next(csv.reader(file), [])

    def _write(self, number: int, found: Row) -> None:
        if self._continues:
            _remove_from(number, self.path, self._number)
            self._continues = False
        if not self._columns:
            with write_atomically(self.path) as file:
                file.write(_line(list(found)).encode())
            self._columns = list(found)
        if new := [name for name in found if name not in self._columns]:
            self._widen(new)
        _add(self.path, _line([found.get(name) for name in self._columns]))

    def _number(self, line: str) -> int | None:
        cells = next(csv.reader([line]), [])
        if len(cells) != len(self._columns):
            raise ValueError("half a line")
        return int(dict(zip(self._columns, cells, strict=True))["epoch"])

    def _widen(self, new: list[str]) -> None:
        """Add columns, which are empty in the rows so far."""
        with _opened(self.path, "r") as file:
            _, *rows = csv.reader(file)
        columns, empty = [*self._columns, *new], [""] * len(new)
        lines = [_line(columns), *(_line([*each, *empty]) for each in rows)]
        with write_atomically(self.path) as file:
            file.write("".join(lines).encode())
        self._columns = columns


class JSONLog(_Log):
    """Write a line of JSON after each epoch: a callback of `bpx.train`.

    Each line is an object with the names of `CSVLog`. A value that does not apply, and one that
    JSON cannot hold (NaN, infinity), is null. A full disk is treated as by `CSVLog`.

    Parameters
    ----------
    path : str or Path
        A file, in a folder that exists.
    append : bool, optional
        If True, keep the lines of an existing file, but for those that `CSVLog` removes. By
        default the first one replaces it.

    Raises
    ------
    InputError
        If the path is that of a folder or in no folder, or if the file cannot be written or,
        to append, read.
    """

    def __init__(self, path: str | Path, *, append: bool = False) -> None:
        super().__init__(path)
        self._begun = flag("append", append)
        self._continues = self._begun and self.path.exists()
        if self._continues:
            with _opened(self.path, "r") as file:
                file.readline()  # so that a file that cannot be read is refused now

    def _write(self, number: int, found: Row) -> None:
        line = json.dumps(_finite(found)) + "\n"
        if self._continues:
            _remove_from(number, self.path, _number)
            self._continues = False
        if self._begun:
            _add(self.path, line)
            return
        with _opened(self.path, "w") as file:
            file.write(line)
        self._begun = True


def _is_full(error: InputError) -> bool:
    return isinstance(error.__cause__, OSError) and error.__cause__.errno in _FULL


def _log_file(path: str | Path) -> Path:
    """Return the path of a log, after checking it: the first record is only made later."""
    file = expanded(path)
    if file.is_dir():
        raise InputError(f"{file} is a folder; expected the path of a file")
    if not file.parent.is_dir():
        raise InputError(
            f"{file} cannot be written: {file.parent} is not a folder; expected a file in a "
            "folder that exists: make the folder first"
        )
    return file


def _number(line: str) -> int | None:
    found = json.loads(line)
    return int(found["epoch"]) if isinstance(found, dict) and "epoch" in found else None


def _remove_from(first: int, path: Path, number: Callable[[str], int | None]) -> None:
    """Remove the records at the end of a file that a continued run writes once more.

    Epoch 1 is the beginning of another run, whose file keeps the earlier ones.

    Parameters
    ----------
    first : int
        The epoch of the next record.
    path : Path
    number : callable
        The epoch of a line, or None if it has none; a ValueError, KeyError or csv.Error if a
        kill has left half of it.
    """
    if first == 1:
        return
    with _opened(path, "r") as file:
        lines = file.readlines()
    kept = len(lines)
    for i in range(len(lines) - 1, -1, -1):
        try:
            epoch = number(lines[i])
        except (ValueError, KeyError, csv.Error):
            continue
        if epoch is None or epoch < first:
            break
        kept = i
    if kept < len(lines):
        with write_atomically(path) as out:
            out.write("".join(lines[:kept]).encode())


def _add(path: Path, line: str) -> None:
    """Add a whole line or nothing; it is a new one even if a kill has left half a line."""
    with _opened(path, "a") as file:
        size = os.fstat(file.fileno()).st_size
        try:
            file.write(line if _ends_with_a_line(path) else f"\n{line}")
            file.flush()
        except OSError:
            with suppress(OSError):
                os.truncate(path, size)
            raise


def _ends_with_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        if not file.seek(0, SEEK_END):
            return True
        file.seek(-1, SEEK_END)
        return file.read() == b"\n"


def _line(cells: list[Any]) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def _finite(found: Row) -> Row:
    return {
        name: None if isinstance(value, float) and not isfinite(value) else value
        for name, value in found.items()
    }


@contextmanager
def _opened(path: Path, mode: str) -> Iterator[IO[str]]:
    try:
        with path.open(mode, encoding="utf-8", newline="") as file:
            yield file
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        what = "read" if mode == "r" else "written"
        right = "a log that bpx wrote" if mode == "r" else "a file in a folder that exists"
        why = getattr(error, "strerror", None) or error
        raise InputError(f"{path} cannot be {what}: {why}; expected {right}") from error
