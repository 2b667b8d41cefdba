"""An epoch's mini-batches: stretches of index matrices, a row for each step."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from bpx._typing import Array
from bpx.arrays.home import Home
from bpx.arrays.host import batches
from bpx.model.spec import Spec
from bpx.program.contract import Step
from bpx.training.step import Data, TrainingStep

__all__ = ["BatchStep", "Batches", "EpochBatches", "Shuffled", "Stretch"]


class BatchStep(Step, Protocol):
    """A training step that can say which samples it takes: such as `TrainingStep`."""

    @property
    def spec(self) -> Spec:
        """The layers, the cost and the feedback."""

    def picked(self, data: Any, rows: Array) -> tuple[Array, Array]:
        """The mini-batch that `rows` picks: x and y as they are in the data."""


class Stretch(NamedTuple):
    """The rows `start` to `stop` of an index matrix, one step each.

    Attributes
    ----------
    step : BatchStep
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

    step: BatchStep
    data: Any
    rows: Array
    sizes: tuple[int, ...]
    width: int
    before: int
    start: int
    stop: int


class EpochBatches(NamedTuple):
    """One epoch: how many samples it has, if that is known, and its stretches in order."""

    samples: int | None
    stretches: Iterator[Stretch]


class Batches(Protocol):
    """The mini-batches of each epoch, and what is told when one has ended."""

    def start(self) -> Any:
        """What their step keeps in the state besides, before the first one: `State.extra`."""

    def __call__(self, epoch: int) -> EpochBatches | None:
        """The epoch of that number, from 1; None if there is none any more."""

    def finish(self) -> Mapping[str, Any]:
        """What a finished epoch adds to its record, by name.

        It is called once, just before the epoch's weights can be seen: what they have used up
        is counted here.
        """


@dataclass(frozen=True)
class Shuffled:
    """`Batches` in which every sample comes once an epoch."""

    home: Home
    step: TrainingStep
    data: Data
    batch_size: int
    seed: int
    shuffle: bool
    drop_last: bool

    def __call__(self, epoch: int) -> EpochBatches:
        """The epoch of that number, from 1."""
        n, size = self.data.x.shape[0], self.batch_size
        parts = batches(self.seed, epoch, n, size, shuffle=self.shuffle)
        parts = [part for part in parts if part.shape[1] == size or not self.drop_last]
        return EpochBatches(sum(part.size for part in parts), self._stretches(parts))

    def start(self) -> None:
        """What the state has besides: nothing."""

    def finish(self) -> Mapping[str, Any]:
        """What a finished epoch adds to its record: nothing."""
        return {}

    def _stretches(self, parts: list[Any]) -> Iterator[Stretch]:
        before = 0
        for part in parts:
            steps, batch = part.shape
            rows = self.home.asarray(part, "int32")
            sizes = (batch,) * steps
            yield Stretch(self.step, self.data, rows, sizes, batch, before, 0, steps)
            before += steps
