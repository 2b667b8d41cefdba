"""What each of several ranks reads of a stream: whole blocks, and where their rows are needed.

The windows are those of a single rank: the blocks of an epoch, one after another, cut every so
many rows. Each block has an owner, which alone reads it. Of a window, every rank then has the
rows of its own blocks, and sends the others what they need of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import heapreplace
from typing import NamedTuple

import numpy as np

from bpx.data.split import HostArray

__all__ = ["Plan", "Shares", "owners_of", "planned"]


def owners_of(counts: Sequence[int], size: int) -> list[int]:
    """Return the owner of each block: the rank with the fewest rows so far, or the first such.

    Parameters
    ----------
    counts : sequence of int
        The rows of each block, in the order of the epoch.
    size : int
        The number of ranks.
    """
    read, found = [(0, rank) for rank in range(size)], []
    for count in counts:
        rows, owner = read[0]
        heapreplace(read, (rows + count, owner))
        found.append(owner)
    return found


@dataclass(frozen=True)
class Shares:
    """The windows of an epoch whose blocks are read by several ranks.

    Attributes
    ----------
    counts : tuple of int
        The rows of each block, in the order of the epoch.
    rows : int
        The rows of each window but the last.
    size : int
        The number of ranks.
    """

    counts: tuple[int, ...]
    rows: int
    size: int

    @property
    def windows(self) -> int:
        """The number of windows."""
        return -(-sum(self.counts) // self.rows)

    @cached_property
    def owners(self) -> HostArray:
        """The owner of each block."""
        return np.asarray(owners_of(self.counts, self.size))

    def places(self, rank: int) -> list[int]:
        """Return the blocks of a rank, by their places in the order of the epoch."""
        return np.flatnonzero(self.owners == rank).tolist()

    def window(self, number: int) -> HostArray:
        """Return the owner of each row of a window, shape (n,)."""
        begin = number * self.rows
        rows = np.arange(begin, min(begin + self.rows, self._ends[-1]))
        owners: HostArray = self.owners[np.searchsorted(self._ends, rows, side="right")]
        return owners

    def lengths(self, rank: int) -> list[int]:
        """Return how many rows of each window a rank reads."""
        found = np.zeros(self.windows, dtype=int)
        for place in self.places(rank):
            end = int(self._ends[place])
            begin = end - self.counts[place]
            for number in range(begin // self.rows, -(-end // self.rows)):
                low, high = number * self.rows, (number + 1) * self.rows
                found[number] += min(end, high) - max(begin, low)
        return found.tolist()

    @cached_property
    def _ends(self) -> HostArray:
        """The rows up to the end of each block."""
        return np.cumsum(self.counts)


class Plan(NamedTuple):
    """What one rank sends and gets of a window.

    Attributes
    ----------
    sent : int array
        The places of the rows to send, among those that this rank has read, by receiver.
    counts : list of int
        How many of them are for each rank.
    places : int array
        The places of the rows that this rank needs, among those that it gets, by sender.
    """

    sent: HostArray
    counts: list[int]
    places: HostArray


def planned(owners: HostArray, needs: Sequence[HostArray], rank: int) -> Plan:
    """Plan the exchange of a window's rows.

    Parameters
    ----------
    owners : int array, shape (n,)
        The rank that has read each row of the window.
    needs : sequence of int arrays
        The rows of the window that each rank needs, in its order; some may occur twice.
    rank : int
        The rank that asks.
    """
    own = np.cumsum(owners == rank) - 1  # the place of each row of the window that it owns
    to_each = [own[need[owners[need] == rank]] for need in needs]
    order = np.argsort(owners[needs[rank]], kind="stable")
    places = np.empty_like(order)
    places[order] = np.arange(len(order))
    return Plan(np.concatenate(to_each), [len(each) for each in to_each], places)
