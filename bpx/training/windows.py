"""The mini-batches of samples that are in memory one window at a time."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bpx.arrays.home import Home
from bpx.arrays.host import HostArray, window_batches
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
    reader : callable or None
        ``reader(rank, size) -> Reader``, with which several ranks read the windows together;
        None, also as its result, if each of them must read all.
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
    reader: Callable[[int, int], Any] | None = None

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

    def before(self, start: int) -> int:
        """Return the number of steps before the window with the number `start`."""
        return start * (self.rows // self.batch_size)

    def drawn(self, epoch: int, number: int, samples: int) -> list[HostArray]:
        """Return the mini-batches of a window, as places of its samples: see `window_batches`.

        Without a smaller one that is dropped.
        """
        key = (self.seed, epoch, number) if self.shuffle else None
        parts = window_batches(key, samples, self.batch_size)
        return [
            part for part in parts if part.shape[1] == self.batch_size or not self.drop_last
        ]

    def stretch(self, data: Data, rows: HostArray, before: int) -> Stretch:
        """Return some mini-batches of a window as a stretch."""
        steps, batch = rows.shape
        at_home, sizes = self.home.asarray(rows, "int32"), (batch,) * steps
        return Stretch(self.step, data, at_home, sizes, batch, before, 0, steps)

    def _stretches(self, epoch: int, start: int) -> Iterator[Stretch]:
        before, windows = self.before(start), self.windows(epoch, start)
        try:
            for number, (x, y, _, s) in enumerate(windows, start):
                for part in self.drawn(epoch, number, x.shape[0]):
                    yield self.stretch(Data(x, y, s), part, before)
                    before += part.shape[0]
        finally:
            windows.close()
