"""An epoch as runs of a step over the rows of an index matrix."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from bpx._typing import Array
from bpx.arrays.home import Home
from bpx.arrays.host import batches
from bpx.training.step import Data, TrainingStep

__all__ = ["Run", "Schedule", "Shuffled"]


class Run(NamedTuple):
    """The rows `start` to `stop` of an index matrix, one step each.

    Attributes
    ----------
    step : Step
    data : tree of arrays
        What each step reads.
    rows : array, shape (steps, ...), int32
        At the network's home.
    sizes : tuple of int
        The samples in each row.
    width : int
        The rows that a step computes at once: those of the metrics.
    before : int
        The epoch's steps before the matrix's first row.
    start, stop : int
    """

    step: Any
    data: Any
    rows: Array
    sizes: tuple[int, ...]
    width: int
    before: int
    start: int
    stop: int


class Schedule(NamedTuple):
    """One epoch: how many samples it has, and its runs in order."""

    samples: int
    runs: Iterator[Run]


@dataclass(frozen=True)
class Shuffled:
    """Epochs in which every sample comes once: ``shuffled(epoch) -> Schedule``."""

    home: Home
    step: TrainingStep
    data: Data
    batch_size: int
    seed: int
    shuffle: bool
    drop_last: bool

    def __call__(self, epoch: int) -> Schedule:
        """The epoch of that number, from 1."""
        n, size = self.data.x.shape[0], self.batch_size
        parts = batches(self.seed, epoch, n, size, shuffle=self.shuffle)
        parts = [part for part in parts if part.shape[1] == size or not self.drop_last]
        return Schedule(sum(part.size for part in parts), self._runs(parts))

    def start(self) -> None:
        """What the state of training has besides: nothing."""

    def spent(self, before: Any) -> tuple[None, Any]:
        """What privacy an epoch more has spent: none is promised, so none is counted."""
        return None, before

    def _runs(self, parts: list[Any]) -> Iterator[Run]:
        before = 0
        for part in parts:
            steps, batch = part.shape
            rows = self.home.asarray(part, "int32")
            sizes = (batch,) * steps
            yield Run(self.step, self.data, rows, sizes, batch, before, 0, steps)
            before += steps
