"""One pass over the blocks of a stream, or over some of them, window by window."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from bpx.data.streams.encode import Encoder
from bpx.data.streams.source import Block, Part, Source
from bpx.data.streams.windows import Buffer, Empty, Filled, ahead, parts_of
from bpx.errors import InputError

__all__ = ["Pass"]

T = TypeVar("T")


@dataclass(frozen=True)
class Pass:
    """Blocks in an order, and how their samples become windows.

    Attributes
    ----------
    source : Source
    encoder : Encoder
    blocks : sequence of Block
        Those of the source.
    order : sequence of int
        Which blocks are read, one after another.
    like : Part
        An empty part with the shapes and dtypes of the stream's very first one.
    dtype : str
        The dtype for inputs that are neither bytes nor booleans.
    """

    source: Source
    encoder: Encoder
    blocks: Sequence[Block]
    order: Sequence[int]
    like: Part
    dtype: str

    def windows(
        self,
        sizes: Iterable[int],
        most: int,
        arrive: Callable[[Part], T],
        empty: Empty = np.empty,
        skip: int = 0,
        of: str = "a window",
    ) -> ahead[T]:
        """Return an iterator over windows, which reads ahead in a thread.

        Parameters
        ----------
        sizes : iterable of int
            The number of samples in each window, unless the blocks have fewer.
        most : int
            The largest of them.
        arrive, empty
            As for `Stream.windows`.
        skip : int, optional
            The number of samples to leave out at the beginning.
        of : str, optional
            What the samples of a window are, for messages.
        """
        label, left = self.source.label, iter(sizes)
        parts = parts_of(self.blocks, self.order, self.encoder, skip, label)
        rest, where = Filled(parts, label), f"rows are counted in {of} of {label}"

        def filled(buffer: Buffer) -> T | None:
            return _filled(buffer, rest, left, arrive, where)

        buffers = [Buffer(most, self.dtype, empty, self.like) for _ in range(2)]
        return ahead(filled, buffers, self.source.late)


def _filled(
    buffer: Buffer, rest: Filled, left: Iterator[int], arrive: Callable[[Part], T], where: str
) -> T | None:
    """Read the next window, or return None after the last one."""
    part = buffer.fill(rest, next(left, 0))
    try:
        return None if part is None else arrive(part)
    except InputError as error:
        raise InputError(f"{error}; {where}") from error
