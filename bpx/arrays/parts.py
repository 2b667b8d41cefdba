"""An update in parts: each rank updates its rows of the large arrays, for all.

Without it, every rank makes the whole update, in the same time as a single one. So the sum of a
large gradient is divided: each rank gets the rows of the sum that are its part, updates these
rows with its rows of the optimizer's state, and sends them to the others. The messages are as
long as that of a whole sum (S. Rajbhandari and others, "ZeRO: memory optimizations toward
training trillion parameter models", 2020, stage 1).
"""

from dataclasses import dataclass
from typing import Any, Protocol

from bpx.arrays.ranks import Bucket, Group, summed
from bpx.arrays.registry import namespace
from bpx.program.array import Recorded
from bpx.program.contract import leaves, rebuilt
from bpx.program.operation import ALL_GATHER, REDUCE_SCATTER, SWAP_ROWS, rows_of

__all__ = ["Dividing", "Parts"]


class Dividing(Group, Protocol):
    """Ranks that can divide a sum: see `bpx.program.operation.rows_of`."""

    @property
    def rank(self) -> int:
        """The number of this process, 0 ... size - 1."""

    def reduce_scatter(self, x: Any, own: Any, /) -> None:
        """Fill `own` with this rank's rows of the sum of all ranks' x; both are contiguous."""

    def swap_rows(self, x: Any, others: Any, /) -> None:
        """Fill `others`, of two ranks, with this one's rows of the other's x.

        The sum is then part of the update, and its arrays are read once less.
        """

    def all_gather(self, own: Any, x: Any, /) -> None:
        """Fill x with the rows of all ranks; both are contiguous."""


@dataclass(frozen=True)
class Parts:
    """The arrays of which a rank updates its rows.

    Attributes
    ----------
    group : Dividing
    shapes : frozenset of tuple
        The shapes of the arrays that are divided; every rank updates all others.
    """

    group: Dividing
    shapes: frozenset[tuple[int, ...]]

    def own(self, tree: Any) -> Any:
        """Return a tree with this rank's rows of the divided arrays, which share memory."""
        each = (x[slice(*self._rows(x)), ...] if self._divides(x) else x for x in leaves(tree))
        return rebuilt(tree, each)

    def summed(self, tree: Any) -> Any:
        """Return the sum of a tree of arrays over the ranks: of divided ones, the own rows."""
        arrays, bucket = list(leaves(tree)), Bucket()
        whole = [x for x in arrays if not self._divides(x)]
        sums = iter(summed(self.group, whole, bucket))
        each = (self._sum(x, bucket) if self._divides(x) else next(sums) for x in arrays)
        return rebuilt(tree, each)

    def whole(self, tree: Any, like: Any) -> Any:
        """Return a tree with the rows of all ranks, in the shapes of another tree."""
        bucket, pairs = Bucket(), zip(leaves(tree), leaves(like), strict=True)
        return rebuilt(tree, (self._gathered(x, y.shape, bucket) for x, y in pairs))

    def _divides(self, x: Any) -> bool:
        return tuple(x.shape) in self.shapes

    def _rows(self, x: Any) -> tuple[int, int]:
        return rows_of(self.group.rank, self.group.size, x.shape[0])

    def _sum(self, x: Any, bucket: Bucket) -> Any:
        begin, end = self._rows(x)
        shape = end - begin, *x.shape[1:]
        if self.group.size > 2:
            return self._sent(REDUCE_SCATTER, x, shape, bucket)
        return self._sent(SWAP_ROWS, x, shape, bucket) + x[begin:end, ...]

    def _gathered(self, x: Any, shape: tuple[int, ...], bucket: Bucket) -> Any:
        is_whole = tuple(x.shape) == tuple(shape)
        return x if is_whole else self._sent(ALL_GATHER, x, shape, bucket)

    def _sent(self, name: str, x: Any, shape: tuple[int, ...], bucket: Bucket) -> Any:
        if isinstance(x, Recorded):
            return bucket.sent(name, self.group, x, shape)
        device = getattr(x, "device", None)
        made = namespace(x).empty(shape, dtype=x.dtype, device=device)
        getattr(self.group, name)(x, made)
        return made
