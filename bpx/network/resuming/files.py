"""The files of a run beside its checkpoints: its history, and the network of its last epoch."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import takewhile
from logging import getLogger
from pathlib import Path

from bpx._files import write_atomically
from bpx.errors import InputError
from bpx.io.folders import sync
from bpx.io.runs import HISTORY, LINES, MODEL, Run
from bpx.network.resuming import record
from bpx.training.records import Epoch

__all__ = ["Records", "read_records"]

_log = getLogger("bpx")


class Records:
    """The records of a run, and their files.

    ``history.jsonl`` has all of each record, and is read when a run is continued;
    ``history.csv`` has the same numbers for a spreadsheet. Each file gets a line at the end of
    each epoch, after ``model.safetensors`` has been replaced.

    Parameters
    ----------
    run : Run
    records : sequence of Epoch
        Those so far.
    """

    def __init__(self, run: Run, records: Sequence[Epoch]) -> None:
        self.records: list[Epoch] = []
        self._gaps: list[tuple[int, int]] = []
        for each in records:
            self._put(each)
        self._run, self._model = run, run.path / MODEL
        self._whole = False  # whether the files have all earlier records, and no others
        self._unsynced, self._named = False, set[str]()

    def add(self, epoch: Epoch, model: Callable[[], bytes]) -> None:
        """Add a record, and replace the network's file; if that fails, say so, and go on."""
        if epoch.number <= self._last:  # the caller went back to an earlier state
            earlier = [each for each in self.records if each.number < epoch.number]
            self.records, self._gaps, self._whole = [], [], False
            for each in earlier:
                self._put(each)
        self._put(epoch)
        self._warn_of_unsaved(epoch)
        try:
            self._write(model)
            self._append(epoch)
        except (OSError, InputError) as error:
            self._whole = False
            _log.warning(
                "epoch %d could not be written (%s); training goes on, and the record is "
                "written with the next one",
                epoch.number,
                getattr(error, "strerror", None) or error,
            )

    @property
    def _last(self) -> int:
        return self.records[-1].number if self.records else 0

    def _put(self, epoch: Epoch) -> None:
        if epoch.number > self._last + 1:
            self._gaps.append((self._last + 1, epoch.number - 1))
        self.records.append(epoch)

    def lost(self, epochs: int) -> list[tuple[int, int]]:
        """Return the epochs without a record, up to this one: each gap's first and last."""
        found = [*self._gaps, (self._last + 1, epochs)]
        return [
            (first, min(last, epochs)) for first, last in found if first <= min(last, epochs)
        ]

    def replace(self, model: Callable[[], bytes]) -> None:
        """Replace the network's file after the last epoch; if that fails, say so."""
        try:
            self._write(model)
        except (OSError, InputError) as error:
            why = getattr(error, "strerror", None) or error
            _log.warning("%s could not be written (%s)", self._model, why)

    def _write(self, model: Callable[[], bytes]) -> None:
        with write_atomically(self._model) as file:
            file.write(model())

    def sync(self) -> None:
        """Wait until every record is on the disk; a checkpoint relies on them.

        Raises
        ------
        OSError, InputError
        """
        if not self._whole:
            self.rewrite()
            sync(self._run.path)  # the names of the new files
        elif self._unsynced:
            sync(self._run.path / LINES)
            self._unsynced = False

    def rewrite(self) -> None:
        """Write both files anew.

        Raises
        ------
        InputError
        """
        _replace(self._run.path / LINES, "".join(map(record.line, self.records)))
        rows = [record.row(record.columns(self.records[0]))] if self.records else []
        _replace(self._run.path / HISTORY, "".join([*rows, *map(record.row, self.records)]))
        self._whole, self._unsynced = True, False

    def _append(self, epoch: Epoch) -> None:
        if not self._whole or len(self.records) == 1:
            self.rewrite()
            return
        for name, text in ((LINES, record.line(epoch)), (HISTORY, record.row(epoch))):
            with (self._run.path / name).open("a", encoding="utf-8", newline="") as file:
                file.write(text)
        self._unsynced = True

    def _warn_of_unsaved(self, epoch: Epoch) -> None:
        for name in record.unsaved(epoch):
            if name not in self._named:
                self._named.add(name)
                _log.warning(
                    "the value of the observer %r cannot be written to %s, so that the history "
                    "of a continued run lacks it: expected numbers, texts, arrays, and lists "
                    "or mappings of them",
                    name,
                    LINES,
                )


def read_records(run: Run, epochs: int, lost: Sequence[Sequence[int]] = ()) -> list[Epoch]:
    """Return the records of the first epochs of a run; a missing one is warned of.

    The files are then renamed, since what is left in them would be replaced.

    Parameters
    ----------
    run : Run
    epochs : int
    lost : sequence of pairs of int
        The epochs that had no record before: see `Records.lost`.
    """
    without = {n for first, last in lost for n in range(first, last + 1)}
    expected = [n for n in range(1, epochs + 1) if n not in without]
    read: list[Epoch] = []
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        text = (run.path / LINES).read_text(encoding="utf-8")
        read.extend(map(record.from_line, text.splitlines()[: len(expected)]))
    pairs = zip(read, expected, strict=False)
    found = [each for each, _ in takewhile(lambda pair: pair[0].number == pair[1], pairs)]
    if len(found) < len(expected):
        there = (run.path / LINES).exists()
        aside = [kept for name in (LINES, HISTORY) if (kept := _put_aside(run.path / name))]
        _log.warning(
            "%s is %s: it has %d of %d epochs; the history lacks the others%s",
            run.path / LINES,
            "damaged" if there else "missing",
            len(found),
            epochs,
            f", and what was there is kept in {' and '.join(aside)}" if aside else "",
        )
    return found


def _put_aside(path: Path) -> str | None:
    """Rename a file, and return its new name; None if there is none, or it stays."""
    number = 1
    while (place := path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")).exists():
        number += 1
    try:
        path.rename(place)
    except OSError:
        return None
    return place.name


def _replace(path: Path, text: str) -> None:
    with write_atomically(path) as file:
        file.write(text.encode())
