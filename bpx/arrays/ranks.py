"""Sums over the ranks that compute one step together.

Each rank computes the step for its part of a mini-batch, and whatever is a sum over samples is
then a sum over the ranks, too. A `Group` knows how to add; this module says where. In a
recording such a sum is the operation `ALL_REDUCE`, with the group as its attribute; those of
one `Bucket` are added in one go: see `bpx.program.instructions.Exchange`.
"""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from math import prod
from typing import Any, Protocol

from bpx._typing import Array
from bpx.arrays.registry import namespace
from bpx.program.array import Recorded
from bpx.program.contract import leaves, rebuilt
from bpx.program.operation import ALL_REDUCE

__all__ = ["Bucket", "Communicator", "Exchanging", "Group", "summed"]


class Group(Protocol):
    """Ranks that add their arrays. It is equal to itself alone, and hashable."""

    @property
    def size(self) -> int:
        """The number of ranks."""

    def all_reduce(self, x: Any, /) -> None:
        """Replace a contiguous array by its sum over the ranks, in place.

        All ranks call it in the same order, with arrays of one shape and dtype, and all get the
        same bits. It may return before a device has the sum, if what the device does next waits
        for it.
        """

    def __hash__(self) -> int: ...


class Communicator(Group, Protocol):
    """The ranks of a training. Every method but `abort` is called by all of them.

    A backend's are in `bpx_backends.ranks`; `bpx.train` takes any other as well. Ranks that
    can divide a sum have more methods: see `bpx.arrays.parts.Dividing`.
    """

    @property
    def name(self) -> str:
        """What carries the messages, such as ``"MPI"``."""

    @property
    def rank(self) -> int:
        """The number of this process, 0 ... size - 1."""

    def gather(self, value: Any, /) -> list[Any]:
        """Return the values of all ranks, by rank: on each rank, whatever pickle can hold."""

    def broadcast(self, value: Any, /) -> Any:
        """Return the value of rank 0."""

    def abort(self) -> None:
        """End the processes of all ranks at once: this one cannot go on."""


class Exchanging(Communicator, Protocol):
    """Ranks that can also send each other rows, so that each reads a part of a stream.

    A `Communicator` need not have this: without it, every rank reads all of the stream.
    """

    def exchange(self, rows: Any, counts: Sequence[int], /) -> Any:
        """Send each rank its rows, and return those from all ranks.

        Parameters
        ----------
        rows : contiguous host array, shape (n, ...)
            The rows for rank 0, then those for rank 1, and so on. All ranks have arrays of one
            dtype, and of one shape but for the number of rows, which may be 0.
        counts : sequence of int
            How many of the rows are for each rank; their sum is n.

        Returns
        -------
        host array, shape (m, ...)
            The rows from rank 0, then those from rank 1, and so on, in memory of its own.
        """


class Bucket:
    """What is sent in one go; equal to itself alone."""

    def sent(self, name: str, group: Group, x: Recorded, shape: Sequence[int]) -> Recorded:
        """Record what a message makes of an array."""
        made: Recorded = x.recorder.apply(name, (x,), shape, x.dtype, group=group, bucket=self)
        return made


def summed(group: Group, tree: Any, bucket: Bucket | None = None) -> Any:
    """Return the sum of a tree of arrays over the ranks.

    Parameters
    ----------
    group : Group
    tree : tree of arrays
        Of one dtype; not modified.
    bucket : Bucket, optional
        What a recording sends it with; by default, nothing else.
    """
    arrays = list(leaves(tree))
    if not arrays:
        return tree
    if not isinstance(arrays[0], Recorded):
        return rebuilt(tree, _added(group, arrays))
    bucket = bucket or Bucket()
    return rebuilt(tree, [bucket.sent(ALL_REDUCE, group, x, x.shape) for x in arrays])


def _added(group: Group, arrays: Sequence[Array]) -> list[Array]:
    """Add one array that holds all elements: one message costs less than several."""
    xp = namespace(arrays[0])
    flat = xp.concat([xp.reshape(x, (-1,)) for x in arrays])
    group.all_reduce(flat)
    ends = accumulate((prod(x.shape) for x in arrays), initial=0)
    parts = zip(arrays, pairwise(ends), strict=True)
    return [xp.reshape(flat[begin:end], x.shape) for x, (begin, end) in parts]
