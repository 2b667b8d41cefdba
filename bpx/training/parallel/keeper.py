"""The keeper of one of several ranks: all heed a signal that one of them got, at one place."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from bpx.arrays.home import Home
from bpx.training.keeper import Keeper, Place
from bpx.training.parallel.agreement import Agreement
from bpx.training.parallel.failing import everywhere
from bpx.training.parallel.sums import gathered
from bpx.training.records import Epoch, Stopped

__all__ = ["Heeding", "Together"]


class Heeding(Keeper, Protocol):
    """A keeper that heeds signals, and may write checkpoints.

    Attributes
    ----------
    shared : bool
        Whether other ranks wait for this one, so that a signal must not end it alone.
    """

    shared: bool

    @property
    def asked(self) -> int | None:
        """The signal that this process got, which asks it to end the training."""

    def due(self, place: Place, asked: int | None) -> bool:
        """Whether to write a checkpoint at a place within an epoch."""

    def look(self, place: Place, asked: int | None, *, write: bool) -> None:
        """Write a checkpoint within an epoch or not, and then end if a signal asks for it."""

    def start(self, asked: int | None, *, ends: bool) -> None:
        """Do what `before` does, with the signal that is to be heeded."""


@dataclass
class Together:
    """The `Keeper` of a rank, around its own one; the first rank's writes for all.

    Attributes
    ----------
    inner : Heeding
    agreement : Agreement
    home : Home
    """

    inner: Heeding
    agreement: Agreement
    home: Home

    def __post_init__(self) -> None:
        self.inner.shared = True

    @property
    def records(self) -> Sequence[Epoch]:
        """The records of all epochs so far."""
        return self.inner.records

    def attending(self) -> AbstractContextManager[None]:
        """Return the context of an epoch."""
        return self.inner.attending()

    def most(self) -> int | None:
        """The most steps until the first rank wants to look again."""
        return self.agreement.led(self.inner.most)

    def between(self, place: Place) -> None:
        """Look at a place within an epoch; the first rank gets the sums of all if it writes."""
        asked = self._asked()
        write = self.agreement.led(lambda: self.inner.due(place, asked))
        if write:
            ranks = self.agreement.ranks
            assert ranks is not None
            metrics = gathered(ranks, place.state.metrics, self.home)
            place = place._replace(state=place.state._replace(metrics=metrics))
        self._together(asked, lambda: self.inner.look(place, asked, write=write))

    def before(self, *, ends: bool) -> None:
        """Look at the state before an epoch or, if training ends, after the last one."""
        asked = self._asked()
        self._together(asked, lambda: self.inner.start(asked, ends=ends))

    def recorded(self, epoch: Epoch) -> None:
        """Take the record of a finished epoch."""
        self.inner.recorded(epoch)

    def ended(self, stopped: Stopped | None) -> None:
        """Take the network's last weights."""
        self.inner.ended(stopped)

    def close(self) -> None:
        """Release what it holds."""
        self.inner.close()

    def _asked(self) -> int | None:
        """Return the first signal that any rank got; a later one is for the next look."""
        return self.agreement.first(self.inner.asked)

    def _together(self, asked: int | None, look: Callable[[], None]) -> None:
        try:
            look()
        except BaseException as error:
            if asked is not None:
                everywhere(error)
            raise
