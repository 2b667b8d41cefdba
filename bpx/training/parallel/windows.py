"""Windows of a stream that the ranks read together: each reads some of the blocks.

Then they send each other the rows, so that each has those of its part of every mini-batch, and
no row is read twice. The mini-batches are those of one rank that reads all windows alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Protocol

from bpx._typing import Array
from bpx.arrays.host import HostArray
from bpx.arrays.ranks import Exchanging
from bpx.arrays.registry import dtype_name, namespace
from bpx.arrays.transfer import bring
from bpx.training.batches import AroundBatches, EpochBatches, Stretch
from bpx.training.parallel.batches import columns
from bpx.training.parallel.failing import everywhere, together
from bpx.training.step import Data
from bpx.training.windows import Windowed

__all__ = ["Reader", "Reading", "SharedWindows"]


class Reading(Protocol):
    """One epoch as one of the ranks reads it."""

    @property
    def windows(self) -> int:
        """The number of windows of the epoch."""

    def owners(self, number: int) -> HostArray:
        """Return the rank that reads each sample of a window, shape (n,)."""

    def next(self, number: int) -> Data | None:
        """Return what this rank reads of the next window, on the host; None for nothing."""

    def plan(self, owners: HostArray, needs: Sequence[HostArray]) -> Any:
        """Plan the exchange: see `bpx.data.streams.shares.planned`."""

    def close(self) -> None:
        """Stop reading ahead."""


class Reader(Protocol):
    """How one of the ranks reads a stream."""

    @property
    def counts(self) -> Sequence[int]:
        """The number of samples of each block, the same on every rank."""

    @property
    def none(self) -> Data:
        """No sample, on the host, with the shapes and dtypes of all."""

    def epoch(self, number: int, start: int) -> Reading:
        """Begin to read an epoch, from the window with the number `start` on."""

    def weightless(self) -> Exception:
        """Return the error of an epoch in which every sample has the weight 0."""


@dataclass(frozen=True)
class SharedWindows(AroundBatches):
    """`Batches` of windows of which this rank reads a part; `Sharded` is made around them.

    Of a stretch's rows, only the columns of this rank are those of its samples.

    Attributes
    ----------
    whole : Windowed
        The mini-batches of a single rank.
    reader : Reader
    ranks : Exchanging
    agrees : bool
        True: what one rank cannot read is an error of all.
    """

    whole: Windowed
    reader: Reader
    ranks: Exchanging
    agrees: ClassVar[bool] = True

    def __call__(self, epoch: int, skip: int = 0) -> EpochBatches:
        """Return the epoch with that number, from 1; skipped windows are not read."""
        known = self.whole(epoch, skip)
        return known._replace(stretches=self._stretches(epoch, known.first))

    def _stretches(self, epoch: int, start: int) -> Iterator[Stretch]:
        reading = self._begun(epoch, start)
        before, weighs = self.whole.before(start), False
        try:
            for number in range(start, reading.windows):
                own = together(self.ranks, partial(reading.next, number)) or self.reader.none
                weighs |= own.s is None or bool(namespace(own.s).any(own.s))
                data, parts = self._exchanged(reading, own, epoch, number)
                for rows in parts:
                    yield self.whole.stretch(data, rows, before)
                    before += rows.shape[0]
            if not start and not any(self.ranks.gather(weighs)):
                raise everywhere(self.reader.weightless())
        finally:
            reading.close()

    def _begun(self, epoch: int, start: int) -> Reading:
        """Begin to read; if another rank cannot, stop at once."""
        begun: list[Reading] = []
        try:
            together(self.ranks, lambda: begun.append(self.reader.epoch(epoch, start)))
        except BaseException:
            for each in begun:
                each.close()
            raise
        return begun[0]

    def _exchanged(
        self, reading: Reading, own: Data, epoch: int, number: int
    ) -> tuple[Data, list[HostArray]]:
        """Return this rank's samples of a window, at home, and where those of each step are."""
        owners = reading.owners(number)
        parts = self.whole.drawn(epoch, number, len(owners))
        if not parts:
            return own, []
        needs = [self._needs(parts, rank) for rank in range(self.ranks.size)]
        plan = reading.plan(owners, needs)
        x, y = self._sent(own.x, plan), self._sent(own.y, plan)
        s = None if own.s is None else self._sent(own.s, plan)
        return Data(x, y, s), self._placed(parts, plan.places)

    def _sent(self, x: Array, plan: Any) -> Array:
        """Send each rank its rows of what this one has read; return its own, at home."""
        found = self.ranks.exchange(namespace(x).take(x, plan.sent, axis=0), plan.counts)
        arrived: Array = bring(found, self.whole.home, "x", dtype=dtype_name(found))
        return arrived

    def _needs(self, parts: Sequence[HostArray], rank: int) -> HostArray:
        """Return the samples of a window that a rank needs, one mini-batch after another.

        A rank whose rows only fill mini-batches up gets one sample for this.
        """
        xp = namespace(parts[0])
        own = [part[:, self._columns(part, rank)] for part in parts]
        found: HostArray = xp.concat([xp.reshape(each, (-1,)) for each in own])
        return found if found.shape[0] else parts[0][0, :1]

    def _placed(self, parts: Sequence[HostArray], places: HostArray) -> list[HostArray]:
        """Return index matrices whose columns of this rank are the places of its samples."""
        xp, used = namespace(places), 0
        found: list[HostArray] = []
        for part in parts:
            own, rows = self._columns(part, self.ranks.rank), xp.zeros_like(part)
            shape = rows[:, own].shape
            end = used + shape[0] * shape[1]
            rows[:, own] = xp.reshape(places[used:end], shape)
            found.append(rows)
            used = end
        return found

    def _columns(self, part: HostArray, rank: int) -> slice:
        _, begin, live = columns(part.shape[1], rank, self.ranks.size)
        return slice(begin, begin + live)
