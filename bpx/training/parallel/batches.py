"""The mini-batches of one rank: its rows of each, equally many on every rank."""

from dataclasses import dataclass

from bpx._typing import Array
from bpx.arrays.home import Home
from bpx.arrays.ranks import Communicator
from bpx.arrays.registry import namespace
from bpx.training.batches import AroundBatches, Batches, EpochBatches, Stretch
from bpx.training.parallel.steps import Shard, ranked

__all__ = ["Sharded", "columns"]


@dataclass(frozen=True)
class Sharded(AroundBatches):
    """`Batches` of which this rank computes its rows.

    A mini-batch of m samples on P ranks is cut into P parts of ceil(m / P) rows. If the last
    parts are shorter, any rows fill them.

    Attributes
    ----------
    whole : Batches
        The mini-batches of all ranks.
    ranks : Communicator
    home : Home
    """

    whole: Batches
    ranks: Communicator
    home: Home

    def __call__(self, epoch: int, skip: int = 0) -> EpochBatches | None:
        """Return the epoch with that number, from 1, or None if there are no more."""
        batches = self.whole(epoch, skip)
        if batches is None:
            return None
        return batches._replace(stretches=map(self._own, batches.stretches))

    def _own(self, stretch: Stretch) -> Stretch:
        m, ranks = stretch.width, self.ranks
        width, begin, live = columns(m, ranks.rank, ranks.size)
        # A step that fills up mini-batches itself has no weight for rows of -1.
        fills = getattr(stretch.step, "fills", False)
        some = None if fills or m % ranks.size == 0 else live
        shard = Shard(ranks, begin, m, some, self.home.dtype)
        rows = _cut(stretch.rows, m, begin, live, width, -1 if fills else 0)
        return stretch._replace(step=ranked(stretch.step, shard), rows=rows, width=width)


def columns(m: int, rank: int, size: int) -> tuple[int, int, int]:
    """Return a rank's part of m samples: its width, where it begins, and how many are there."""
    width = -(-m // size)
    begin = width * rank
    return width, begin, max(0, min(width, m - begin))


def _cut(rows: Array, m: int, begin: int, live: int, width: int, fill: int) -> Array:
    """Return the columns of this rank, filled up, and those beyond the m samples."""
    xp, shape = namespace(rows), (rows.shape[0], width - live)
    filled = xp.full(shape, fill, dtype=rows.dtype, device=getattr(rows, "device", None))
    own: Array = xp.concat([rows[:, begin : begin + live], filled, rows[:, m:]], axis=1)
    return own
