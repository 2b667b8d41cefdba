"""`Source`: where the samples of a stream come from, in blocks that are read one at a time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from bpx.data.split import HostArray
from bpx.data.streams.prints import Print

__all__ = ["Block", "Part", "Source"]


class Part(NamedTuple):
    """Some rows of a stream: inputs, targets and weights of the samples.

    Attributes
    ----------
    x : Rows or array, shape (m, ...)
    y : array, shape (m,) or (m, k), or None
        None if only the inputs are there, or are asked for.
    s : array, shape (m,), or None
    """

    x: Any
    y: Any = None
    s: Any = None


class Rows(Protocol):
    """Rows that are read from a file when they are copied into an array."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape, rows first."""

    @property
    def dtype(self) -> Any:
        """The dtype in the file."""

    def __getitem__(self, rows: slice, /) -> "Rows":
        """Return some of the rows, without reading them."""

    def copy_to(self, out: HostArray, /) -> None:
        """Read the rows into an array of the same shape."""

    def soon(self) -> None:
        """Ask the system to fetch the rows, which are read soon, without waiting."""

    def late(self) -> None:
        """Take notice that somebody had to wait for rows of this file."""

    @property
    def place(self) -> int:
        """Where in a page of the file they begin; memory that begins there is filled best."""


@dataclass(frozen=True)
class Block:
    """One block of a source: it can be read again and again.

    Attributes
    ----------
    read : callable
        ``read()`` returns the rows in order, in parts: a `Part`, or a table for a schema.
    count : callable
        ``count()`` returns the number of rows, or None if only reading them tells.
    parts : str
        What one of its parts is called in messages.
    soon : callable
        ``soon()`` asks the system to fetch the block, which is read next, without waiting.
    """

    read: Callable[[], Iterator[Any]]
    count: Callable[[], int | None] = lambda: None
    parts: str = "part"
    soon: Callable[[], None] = lambda: None

    def __call__(self) -> Iterator[Any]:
        """Return the block's rows in order, in parts."""
        return self.read()


class Source(Protocol):
    """Where samples come from."""

    @property
    def rows(self) -> int | None:
        """The number of samples, if it is known before they are read."""

    @property
    def label(self) -> str:
        """The name in messages."""

    def late(self) -> None:
        """Take notice that somebody had to wait for samples."""

    def prints(self) -> Mapping[str, Print]:
        """Return fingerprints of the data by their names, as far as they can be known."""

    def blocks(self, size: int | None) -> Sequence[Block]:
        """Return the blocks, of about `size` rows each where the source has a choice.

        A source that can only be read from its beginning has one block.
        """
