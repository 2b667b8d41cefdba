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
    """A keeper that heeds signals, and may write checkpoints."""

    asked: int | None
    """The signal that asks it to end the training."""

    def due(self, place: Place) -> bool:
        """Whether it wants to write a checkpoint at a place within an epoch."""


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
        """Look at a place within an epoch, where all have the first one's sums if it writes."""
        self._heed()
        if self.agreement.led(lambda: self.inner.due(place)):
            ranks = self.agreement.ranks
            assert ranks is not None
            metrics = gathered(ranks, place.state.metrics, self.home)
            place = place._replace(state=place.state._replace(metrics=metrics))
        self._together(lambda: self.inner.between(place))

    def before(self, *, ends: bool) -> None:
        """Look at the state before an epoch or, if training ends, after the last one."""
        self._heed()
        self._together(lambda: self.inner.before(ends=ends))

    def recorded(self, epoch: Epoch) -> None:
        """Take the record of a finished epoch."""
        self.inner.recorded(epoch)

    def ended(self, stopped: Stopped | None) -> None:
        """Take the network's last weights."""
        self.inner.ended(stopped)

    def close(self) -> None:
        """Release what it holds."""
        self.inner.close()

    def _heed(self) -> None:
        """Let the first signal that any rank got be that of all."""
        self.inner.asked = self.agreement.first(self.inner.asked)

    def _together(self, look: Callable[[], None]) -> None:
        asked = self.inner.asked
        try:
            look()
        except BaseException as error:
            if asked is not None:
                everywhere(error)
            raise
