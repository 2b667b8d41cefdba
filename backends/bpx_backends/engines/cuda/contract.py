"""What the engine asks of a device: a machine for each schedule, one in use at a time."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from bpx_backends.engines.cuda.layout import Place
from bpx_backends.engines.cuda.schedule import Schedule

__all__ = ["Machine", "Machines"]


class Machine(Protocol):
    """A schedule on a device: its memory, its kernels, its stream."""

    schedule: Schedule
    captures: bool
    """Whether steps can be captured in a graph."""

    def fresh(self, place: Place) -> Any:
        """A new array of the caller's, of that shape and dtype."""

    def usable(self, x: Any) -> Any:
        """The array itself, or a copy that kernels can read: contiguous and aligned."""

    def active(self) -> AbstractContextManager[Any]:
        """A context that is entered after what the caller has begun, and left when done."""

    def point(self, first: int, arrays: Sequence[Any]) -> None:
        """Fill the slots: the number of the first step, the index matrix and the data."""

    def write(self, place: Place, x: Any) -> None:
        """Copy an array into the arena."""

    def read(self, x: Any, place: Place) -> None:
        """Copy a place into an array of the caller's."""

    def step(self, number: int) -> None:
        """Put one step on the stream: the one of that number, counted from the slot's."""

    def advance(self, steps: int) -> None:
        """Count the slot's number up."""

    def capture(self, body: Callable[[], None]) -> Callable[[], None]:
        """What puts the same on the stream again, as one graph."""


class Machines(Protocol):
    """What gives a device's machines, one at a time."""

    def key(self, x: Any) -> Any:
        """The device that an array is on."""

    def on(self, device: Any) -> AbstractContextManager[Any]:
        """A context with the device for oneself."""

    def make(self, device: Any, made: Callable[..., Schedule]) -> Machine:
        """A machine for a schedule: ``made(bias=True)``, or ``bias=False`` if it must be.

        ``wide=`` names the shapes of products that have to stay in float32.
        """

    def release(self) -> None:
        """Give the devices the memory back that no machine works on any more."""
