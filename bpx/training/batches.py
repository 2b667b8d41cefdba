"""The mini-batches of an epoch: stretches of index matrices, one row for each step."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from bpx._typing import Array
from bpx.arrays.home import Home
from bpx.arrays.host import batches
from bpx.model.spec import Spec
from bpx.program.contract import Step
from bpx.training.step import Data, TrainingStep

__all__ = [
    "AroundBatches",
    "BatchStep",
    "Batches",
    "EpochBatches",
    "Shuffled",
    "Stretch",
    "steps_of",
]


class BatchStep(Step, Protocol):
    """A training step that can return its samples, such as `TrainingStep`."""

    @property
    def spec(self) -> Spec:
        """The layers, the cost and the feedback."""

    def picked(self, data: Any, rows: Array) -> tuple[Array, Array]:
        """The mini-batch that `rows` selects: x and y as they are in the data."""


class Stretch(NamedTuple):
    """The rows `start` to `stop` of an index matrix, one step each.

    Attributes
    ----------
    step : BatchStep
    data : tree of arrays
        The arrays that each step reads.
    rows : array, shape (steps, ...), int32
        At the network's home.
    sizes : tuple of int
        The number of samples in each row.
    width : int
        The number of samples that a step computes at once; the metrics have this length.
    before : int
        The number of steps in the epoch before the matrix's first row.
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
    """One epoch: the number of its samples, if known, and its stretches in order.

    `first` is the index of the first one of these stretches in the epoch.
    """

    samples: int | None
    stretches: Iterator[Stretch]
    first: int = 0


class Batches(Protocol):
    """The mini-batches of each epoch, and their additions to its record."""

    @property
    def steps(self) -> int | None:
        """The number of steps in an epoch; None if only its end tells."""

    def start(self) -> Any:
        """The first value of `State.extra`, for steps that keep more than `TrainingStep`."""

    def __call__(self, epoch: int, skip: int = 0) -> EpochBatches | None:
        """Return the epoch with that number, from 1, or None if there are no more.

        The caller does not use the first `skip` stretches, which may be left out.
        """

    def finish(self) -> Mapping[str, Any]:
        """Return the values that a finished epoch adds to its record, by name.

        It is called once, just before the epoch's weights become visible, so that it can
        count the privacy that they have spent.
        """


class AroundBatches:
    """Mini-batches that are made of others, and add nothing to the state or to the records.

    Attributes
    ----------
    whole : Batches
    """

    whole: Batches

    @property
    def steps(self) -> int | None:
        """The number of steps in an epoch, if it is known."""
        return self.whole.steps

    def start(self) -> Any:
        """Add what the others add to the state."""
        return self.whole.start()

    def finish(self) -> Mapping[str, Any]:
        """Add what the others add to an epoch's record."""
        return self.whole.finish()


def steps_of(n: int, batch_size: int, *, drop_last: bool) -> int:
    """The number of steps in an epoch of n samples."""
    return n // batch_size if drop_last else -(-n // batch_size)


@dataclass(frozen=True)
class Shuffled:
    """`Batches` that use each sample once per epoch, or not at all with `drop_last`."""

    home: Home
    step: TrainingStep
    data: Data
    batch_size: int
    seed: int
    shuffle: bool
    drop_last: bool

    @property
    def steps(self) -> int:
        """The number of steps in an epoch."""
        return steps_of(self.data.x.shape[0], self.batch_size, drop_last=self.drop_last)

    def __call__(self, epoch: int, skip: int = 0) -> EpochBatches:
        """Return the epoch with that number, from 1."""
        n, size = self.data.x.shape[0], self.batch_size
        parts = batches(self.seed, epoch, n, size, shuffle=self.shuffle)
        parts = [part for part in parts if part.shape[1] == size or not self.drop_last]
        return EpochBatches(sum(part.size for part in parts), self._stretches(parts))

    def start(self) -> None:
        """Add nothing to the state."""

    def finish(self) -> Mapping[str, Any]:
        """Add nothing to an epoch's record."""
        return {}

    def _stretches(self, parts: list[Any]) -> Iterator[Stretch]:
        before = 0
        for part in parts:
            steps, batch = part.shape
            rows = self.home.asarray(part, "int32")
            sizes = (batch,) * steps
            yield Stretch(self.step, self.data, rows, sizes, batch, before, 0, steps)
            before += steps
