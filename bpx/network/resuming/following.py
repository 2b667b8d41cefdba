"""The folder of a run for the ranks other than the first, which read it and write nothing."""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bpx.arrays.ranks import Communicator
from bpx.errors import InputError, Preempted
from bpx.network.resuming.opening import Found, Opened
from bpx.network.resuming.signals import Signals
from bpx.training.keeper import Place
from bpx.training.parallel.agreement import Agreement
from bpx.training.parallel.failing import together
from bpx.training.records import Epoch, Stopped

__all__ = ["Followed", "Following", "open_together"]


class Followed(Opened):
    """The folder of a run that another rank has opened, and writes."""

    def follow(self, number: int | None) -> None:
        """Continue from the checkpoint from which that rank continues.

        Raises
        ------
        InputError
            If it is not there: the ranks see different file systems.
        """
        if number is None:
            self.take(None)
            return
        place = self.run.place(number)
        if not place.exists():
            raise InputError(
                f"there is no {place}, from which rank 0 continues; expected a folder on a "
                "file system that all ranks share"
            )
        self.take(Found(number, self.run.read(number)))

    def lock(self) -> bool:
        """Lock nothing."""
        return False

    def close(self) -> None:
        """Release nothing."""

    def abandon(self) -> None:
        """Remove nothing."""


class Following:
    """The `Keeper` of a rank that writes nothing, and ends where the first one ends."""

    def __init__(self, opened: Opened, records: Sequence[Epoch]) -> None:
        self.opened, self.records, self.shared = opened, list(records), True
        self._signals = Signals(lambda _: None)  # one between two epochs waits for the next

    @property
    def asked(self) -> int | None:
        """The signal that asks to end."""
        return self._signals.asked

    @contextmanager
    def attending(self) -> Iterator[None]:
        """Heed signals during the block."""
        self._signals.install()
        with self._signals.inside():
            yield

    def most(self) -> None:
        """Any number of steps."""

    def due(self, place: Place, asked: int | None) -> bool:
        """Whether it writes: never."""
        return False

    def look(self, place: Place, asked: int | None, *, write: bool) -> None:
        """End if a signal asks for it."""
        if asked:
            self._end(asked)

    def between(self, place: Place) -> None:
        """End if a signal asks for it."""
        self.look(place, self.asked, write=False)

    def start(self, asked: int | None, *, ends: bool) -> None:
        """End if a signal asks for it."""
        if asked:
            self._end(asked)

    def before(self, *, ends: bool) -> None:
        """End if a signal asks for it."""
        self.start(self.asked, ends=ends)

    def recorded(self, epoch: Epoch) -> None:
        """Keep the record in memory."""
        self.records = [each for each in self.records if each.number < epoch.number]
        self.records.append(epoch)

    def ended(self, stopped: Stopped | None) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Restore the handlers of signals."""
        asked, self._signals.asked = self._signals.asked, None
        self._signals.restore()
        if asked:
            signal.raise_signal(asked)

    def _end(self, asked: int) -> None:
        self._signals.asked = None
        if asked == signal.SIGINT:
            raise KeyboardInterrupt
        name = signal.Signals(asked).name
        raise Preempted(f"{name} ended the run in {self.opened.name}", self.opened.name)


def open_together(
    ranks: Communicator | None,
    path: str | Path,
    every: Any,
    keep: Any,
    make: Callable[[], Opened],
) -> Opened:
    """Open the folder of a run on the first rank, and follow it on the others.

    Parameters
    ----------
    ranks : Communicator or None
    path, every, keep
        As for `bpx.train`.
    make : callable
        ``make()`` opens it, as one process alone does.

    Raises
    ------
    InputError
        On every rank, if the first cannot open it, or one cannot read it.
    """
    if ranks is None:
        return make()
    held: list[Opened] = []

    def first() -> int | None:
        held.append(make())
        found = held[0].found
        return None if found is None else found.number

    number = Agreement(ranks).led(first)
    own = held[0] if held else Followed(path, every, keep)

    def follow() -> None:
        if isinstance(own, Followed):
            own.follow(number)

    try:
        together(ranks, follow)
    except BaseException:
        own.abandon()
        raise
    return own
