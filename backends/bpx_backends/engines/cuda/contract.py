"""The interface between the engine and a device: a machine for each schedule."""

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
        """Return a new array for the caller, of that shape and dtype."""

    def usable(self, x: Any) -> Any:
        """Return the array, or a contiguous and aligned copy that kernels can read."""

    def active(self) -> AbstractContextManager[Any]:
        """Return a context that starts after the caller's earlier work and waits at the end."""

    def point(self, first: int, arrays: Sequence[Any]) -> None:
        """Fill the slots: the number of the first step, the index matrix and the data."""

    def write(self, place: Place, x: Any) -> None:
        """Copy an array into the arena."""

    def read(self, x: Any, place: Place) -> None:
        """Copy a place into the caller's array."""

    def step(self, number: int, part: range) -> None:
        """Put some items of a step on the stream; `number` is relative to the slot's number."""

    def advance(self, steps: int) -> None:
        """Increase the slot's number."""

    def capture(self, body: Callable[[], None]) -> Callable[[], None]:
        """Capture a graph of `body`, and return a function that launches it."""


class Machines(Protocol):
    """The machines of all devices; one thread uses a device at a time."""

    def key(self, x: Any) -> Any:
        """Return the device of an array."""

    def on(self, device: Any) -> AbstractContextManager[Any]:
        """Return a context with exclusive use of the device."""

    def make(self, device: Any, made: Callable[..., Schedule]) -> Machine:
        """Make a machine for a schedule: ``made(bias=True)``, or ``bias=False`` if necessary.

        ``wide=`` names the shapes of products that have to stay in float32.
        """

    def release(self) -> None:
        """Give the devices back the memory that no machine uses any more."""
