"""The mini-batches of samples that are in memory one window at a time."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bpx.arrays.home import Home
from bpx.arrays.host import window_batches
from bpx.model.windowed import Windows
from bpx.training.batches import EpochBatches, Stretch, steps_of
from bpx.training.step import Data, TrainingStep

__all__ = ["Windowed"]


@dataclass(frozen=True)
class Windowed:
    """`Batches` of windows, which are shuffled one by one.

    Attributes
    ----------
    home : Home
    step : TrainingStep
    windows : callable
        ``windows(epoch, start)`` returns the samples of an epoch, at home, from the window
        with that number on.
    rows : int
        The number of samples in each window but the last, whole mini-batches.
    samples : int or None
        The number of samples, if it is known.
    batch_size, seed, shuffle, drop_last
        As for `bpx.train`.
    """

    home: Home
    step: TrainingStep
    windows: Callable[[int, int], Windows]
    rows: int
    samples: int | None
    batch_size: int
    seed: int
    shuffle: bool
    drop_last: bool

    def __call__(self, epoch: int, skip: int = 0) -> EpochBatches:
        """Return the epoch with that number, from 1; skipped windows are not trained on.

        A window is one stretch, but the last may be two, so that the one before the next
        stretch is needed.
        """
        n, start = self.samples, max(0, skip - 1)
        if n is not None and self.drop_last:
            n -= n % self.batch_size
        return EpochBatches(n, self._stretches(epoch, start), start)

    @property
    def steps(self) -> int | None:
        """The number of steps in an epoch; None if the number of samples is not known."""
        if self.samples is None:
            return None
        return steps_of(self.samples, self.batch_size, drop_last=self.drop_last)

    def start(self) -> None:
        """Add nothing to the state."""

    def finish(self) -> Mapping[str, Any]:
        """Add nothing to an epoch's record."""
        return {}

    def _stretches(self, epoch: int, start: int) -> Iterator[Stretch]:
        before, windows = start * (self.rows // self.batch_size), self.windows(epoch, start)
        try:
            for number, (x, y, _, s) in enumerate(windows, start):
                drawn = (self.seed, epoch, number) if self.shuffle else None
                for part in window_batches(drawn, x.shape[0], self.batch_size):
                    steps, batch = part.shape
                    if batch < self.batch_size and self.drop_last:
                        continue
                    rows, sizes = self.home.asarray(part, "int32"), (batch,) * steps
                    data = Data(x, y, s)
                    yield Stretch(self.step, data, rows, sizes, batch, before, 0, steps)
                    before += steps
        finally:
            windows.close()
