"""`Source`: where the samples of a stream come from, in blocks that are read one at a time."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from bpx.data.split import HostArray

__all__ = ["Block", "Part", "Source"]


class Part(NamedTuple):
    """Some rows of a stream: inputs, targets and weights of the samples.

    Attributes
    ----------
    x : Rows or array, shape (m, ...)
    y : array, shape (m,) or (m, k)
    s : array, shape (m,), or None
    """

    x: Any
    y: Any
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


class Block(Protocol):
    """One block of a source: it can be read again and again."""

    def __call__(self) -> Iterator[Any]:
        """Return the block's rows in order, in parts: a `Part`, or a table for a schema."""


class Source(Protocol):
    """Where samples come from."""

    @property
    def rows(self) -> int | None:
        """The number of samples, if it is known before they are read."""

    @property
    def label(self) -> str:
        """The name in messages."""

    def blocks(self, size: int | None) -> Sequence[Block]:
        """Return the blocks, of about `size` rows each where the source has a choice.

        A source that can only be read from its beginning has one block.
        """
