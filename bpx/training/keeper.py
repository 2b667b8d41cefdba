"""What may happen between the chunks and the epochs of a training: a checkpoint, or a stop."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple, Protocol

from bpx.training.records import Epoch, Stopped, Sums
from bpx.training.step import State

__all__ = ["NOBODY", "Keeper", "Place", "Start"]


class Place(NamedTuple):
    """A place between two steps of an epoch, from which the epoch can be continued.

    Attributes
    ----------
    state : State
        Its metrics sum the rows from `first` to `start`.
    sums : Sums
        The sums of the epoch up to `first`.
    stretch : int
        The index of the stretch in the epoch.
    first, start : int
        Rows of the stretch's index matrix: the first one that the metrics sum, and the next
        one to train on.
    steps, samples : int
        The steps and the samples of the epoch so far.
    """

    state: State
    sums: Sums
    stretch: int
    first: int
    start: int
    steps: int
    samples: int

    @property
    def ends(self) -> bool:
        """Whether the epoch has no more steps."""
        return self.samples == self.sums.total


class Start(NamedTuple):
    """A place to continue from, and the state before its epoch, for which alone it holds."""

    place: Place
    of: State


class Keeper(Protocol):
    """Looks at a training between its steps, and may keep its state or end it."""

    @property
    def records(self) -> Sequence[Epoch]:
        """The records of all epochs so far, if it keeps them."""

    def attending(self) -> AbstractContextManager[None]:
        """Return the context of an epoch."""

    def most(self) -> int | None:
        """The most steps until it wants to look again; None if any number will do."""

    def between(self, place: Place) -> None:
        """Look at a place within an epoch, after each chunk.

        The next chunk may overwrite the place's arrays.
        """

    def before(self, *, ends: bool) -> None:
        """Look at the state before an epoch or, if training ends, after the last one."""

    def recorded(self, epoch: Epoch) -> None:
        """Take the record of a finished epoch, whose weights the network has."""

    def ended(self, stopped: Stopped | None) -> None:
        """Take the network's last weights, which may be those of an earlier epoch."""

    def close(self) -> None:
        """Release what it holds; training has ended, or its caller has left it."""


class _Nobody:
    """Keeps nothing."""

    records = ()

    def attending(self) -> AbstractContextManager[None]:
        """Return no context."""
        return nullcontext()

    def most(self) -> None:
        """Any number of steps."""

    def between(self, place: Place) -> None:
        """Do nothing."""

    def before(self, *, ends: bool) -> None:
        """Do nothing."""

    def recorded(self, epoch: Epoch) -> None:
        """Do nothing."""

    def ended(self, stopped: Stopped | None) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


NOBODY: Keeper = _Nobody()
