"""Windows of a stream that several ranks read together, each its own blocks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from bpx.data.split import HostArray
from bpx.data.streams.passes import Pass
from bpx.data.streams.shares import Plan, Shares, planned
from bpx.data.streams.source import Part
from bpx.data.streams.windows import ahead
from bpx.errors import InputError

__all__ = ["OwnWindows", "Sharing"]

T = TypeVar("T")


@dataclass(frozen=True)
class Sharing:
    """How one of several ranks reads a stream.

    Attributes
    ----------
    begin : callable
        ``begin(order, dtype) -> Pass`` over the blocks of an epoch; ``order(n)`` returns the
        indices of the n blocks.
    counts : tuple of int
        The number of samples of each block.
    rows : int
        The number of samples in each window but the last.
    rank, size : int
        The number of this rank, and of all.
    """

    begin: Callable[[Callable[[int], Sequence[int]], str], Pass]
    counts: tuple[int, ...]
    rows: int
    rank: int
    size: int

    def epoch(
        self,
        order: Callable[[int], Sequence[int]],
        dtype: str,
        arrive: Callable[[Part], T],
        start: int = 0,
    ) -> "OwnWindows[T]":
        """Begin to read an epoch, from the window with the number `start` on.

        Parameters
        ----------
        order, dtype, arrive
            As for `Stream.windows`; what `arrive` gets is what this rank reads of a window.
        """
        whole = self.begin(order, dtype)
        counts = tuple(self.counts[i] for i in whole.order)
        shares = Shares(counts, self.rows, self.size)
        lengths = shares.lengths(self.rank)
        own = replace(whole, order=[whole.order[place] for place in shares.places(self.rank)])
        sizes = [length for length in lengths[start:] if length]
        windows = own.windows(
            sizes,
            max(lengths),
            _complete(arrive, sizes, whole.source.label),
            skip=sum(lengths[:start]),
            of=f"what rank {self.rank} reads of a window",
        )
        return OwnWindows(shares, self.rank, lengths, windows)


def _complete(
    arrive: Callable[[Part], T], sizes: Sequence[int], label: str
) -> Callable[[Part], T]:
    """Return `arrive` for windows that must have so many samples."""
    left = iter(sizes)

    def checked(part: Part) -> T:
        if part.x.shape[0] != next(left):
            raise _fewer(label)
        return arrive(part)

    return checked


def _fewer(label: str) -> InputError:
    return InputError(
        f"{label} has fewer samples than it said; it changed while it was read: begin again, "
        "with samples that stay the same"
    )


@dataclass(frozen=True)
class OwnWindows(Generic[T]):
    """What one rank reads of the windows of an epoch, one after another.

    Attributes
    ----------
    shares : Shares
    rank : int
    lengths : list of int
        How many samples of each window it reads.
    own : iterator
        What `arrive` made of them, for each window of which it reads some.
    """

    shares: Shares
    rank: int
    lengths: list[int]
    own: ahead[T]

    @property
    def windows(self) -> int:
        """The number of windows of the epoch."""
        return self.shares.windows

    def next(self, number: int) -> T | None:
        """Return what this rank reads of the next window; None if it is nothing.

        Raises
        ------
        InputError
            If the samples cannot be used.
        """
        if not self.lengths[number]:
            return None
        found = next(self.own, None)
        if found is None:
            raise _fewer("the stream")
        return found

    def owners(self, number: int) -> HostArray:
        """Return the rank that reads each sample of a window, shape (n,)."""
        return self.shares.window(number)

    def plan(self, owners: HostArray, needs: Sequence[HostArray]) -> Plan:
        """Plan what the ranks send each other of a window: see `planned`."""
        return planned(owners, needs, self.rank)

    def close(self) -> None:
        """Stop reading ahead."""
        self.own.close()
