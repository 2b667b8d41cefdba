"""The mini-batches of one rank: its rows of each, equally many on every rank."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from bpx._typing import Array
from bpx.arrays.home import Home
from bpx.arrays.parts import Parts
from bpx.arrays.ranks import Communicator
from bpx.arrays.registry import namespace
from bpx.errors import InputError
from bpx.model.spec import Spec
from bpx.training.accumulated import chunk_size, short_of
from bpx.training.batches import AroundBatches, Batches, EpochBatches, Stretch
from bpx.training.parallel.alike import check_same
from bpx.training.parallel.failing import together
from bpx.training.parallel.steps import Shard, ranked

__all__ = ["Sharded", "check_chunks", "columns", "fewest_in_chunk"]

Read = TypeVar("Read")


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
    parts : Parts or None
        The arrays that a step updates in parts.
    """

    whole: Batches
    ranks: Communicator
    home: Home
    parts: Parts | None = None

    def __call__(self, epoch: int, skip: int = 0) -> EpochBatches | None:
        """Return the epoch with that number, from 1, or None if there are no more.

        What fails where a rank reads its samples fails on all ranks, like other errors that
        they share.
        """
        batches = self._shared(lambda: self.whole(epoch, skip))
        if batches is None:
            return None
        return batches._replace(stretches=self._each(batches.stretches))

    def _each(self, stretches: Iterator[Stretch]) -> Iterator[Stretch]:
        while (stretch := self._read(stretches)) is not None:
            yield self._own(stretch)

    def _read(self, stretches: Iterator[Stretch]) -> Stretch | None:
        """Return the next stretch; refuse ranks of which one has read other mini-batches."""
        stretch = self._shared(lambda: next(stretches, None))
        shape = None if stretch is None else tuple(stretch.rows.shape)
        if not getattr(self.whole, "agrees", False):
            check_same(self.ranks, {"the mini-batches that it has read": shape})
        return stretch

    def _shared(self, read: Callable[[], Read]) -> Read:
        """Read, with the errors of all ranks; those that read together see to it themselves."""
        alone = not getattr(self.whole, "agrees", False)
        return together(self.ranks, read) if alone else read()

    def _own(self, stretch: Stretch) -> Stretch:
        m, ranks = stretch.width, self.ranks
        width, begin, live = columns(m, ranks.rank, ranks.size)
        # A step that fills up mini-batches itself has no weight for rows of -1.
        fills = getattr(stretch.step, "fills", False)
        some = None if fills or m % ranks.size == 0 else live
        shard = Shard(ranks, begin, m, some, self.home.dtype, self.parts)
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


def fewest_in_chunk(m: int, size: int, chunks: int) -> int:
    """Return the fewest samples in a chunk of all ranks.

    Parameters
    ----------
    m : int
        The samples of the mini-batch, of which each rank cuts its part into chunks.
    size : int
        The number of ranks.
    chunks : int
    """
    width = -(-m // size)
    length = chunk_size(width, chunks)
    live = [max(0, min(width, m - width * rank)) for rank in range(size)]
    return min(
        sum(max(0, min(length, own - begin)) for own in live)
        for begin in range(0, width, length)
    )


def check_chunks(spec: Spec, m: int, size: int, chunks: int) -> None:
    """Refuse mini-batches of which a chunk of all ranks has fewer samples than a layer needs.

    Raises
    ------
    InputError
        The message names the layer.
    """
    fewest = fewest_in_chunk(m, size, chunks)
    if short := short_of(spec, fewest):
        layer, needed = short
        raise InputError(
            f"accumulate={chunks} was given for {size} ranks, and {layer}, needs at least "
            f"{needed} samples in each chunk of all ranks, but one of a mini-batch of {m} "
            f"would have {fewest}; choose another batch_size, fewer chunks, or other ranks"
        )
