"""Stretches of mini-batches, run in chunks of about half a second.

Progress is reported and Ctrl-C takes effect between chunks. Values on the device are read on
the host only there, never inside a chunk. States are kept along the way, so that the steps
since then can be rerun to find where the cost became non-finite.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import isfinite
from time import perf_counter

from bpx.arrays.host import total
from bpx.arrays.transfer import to_host
from bpx.model.metrics import Accuracy
from bpx.program.contract import Scan
from bpx.training.batches import Stretch
from bpx.training.divergence import Replay, find_divergence
from bpx.training.records import Progress, Sums
from bpx.training.step import Metrics, State, zero_metrics

__all__ = ["Chunks"]

CHUNK_SECONDS = 0.5
KEPT_SECONDS = 5.0
SUM_STEPS = 4096


@dataclass(frozen=True)
class _Kept:
    """A state that stays unchanged, so that later steps can be rerun from it."""

    state: State
    start: int
    at: float = field(default_factory=perf_counter)

    def or_later(self, state: State, start: int) -> "_Kept":
        """Return this one or, once it is old, `state`, which precedes the step `start`."""
        return _Kept(state, start) if perf_counter() - self.at > KEPT_SECONDS else self


@dataclass
class _Pace:
    """The length of the next chunk: the number of steps that take about half a second."""

    steps: int = 1

    def adjust(self, steps: int, seconds: float) -> None:
        fitting = int(steps * CHUNK_SECONDS / max(seconds, 1e-9))
        self.steps = max(1, min(fitting, 8 * max(steps, self.steps)))

    def chunks(self, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """Split the steps from `start` to `stop` into chunks of the current length."""
        while start < stop:
            end = min(start + self.steps, stop)
            yield start, end
            start = end


@dataclass(frozen=True)
class Chunks:
    """Runs the mini-batches of a training: ``chunks(state, stretch, sums)``.

    Attributes
    ----------
    scan : Scan
        The engine.
    accuracy : {"argmax", "threshold", None}
    tell : callable
        Called with a `Progress` after each chunk.
    weighted : bool
        Whether the samples have weights.
    """

    scan: Scan
    accuracy: Accuracy
    tell: Callable[[Progress], None]
    weighted: bool = False
    pace: _Pace = field(default_factory=_Pace)

    def __call__(self, state: State, stretch: Stretch, sums: Sums) -> tuple[State, Sums]:
        """Return the state and the sums after a stretch.

        The metrics are summed on the device over `SUM_STEPS` steps, whatever the chunks, so
        that the ends of chunks change no digit; then they are added on the host, in float64.

        Raises
        ------
        DivergenceError
            If the cost becomes non-finite.
        """
        step, data, rows = stretch[:3]
        how = stretch.width, self.accuracy, self.weighted
        zero = zero_metrics(state.parameters.like, *how)
        for first in range(stretch.start, stretch.stop, SUM_STEPS):
            state, so_far = state._replace(metrics=zero), sums
            kept, last = _Kept(state, first), min(first + SUM_STEPS, stretch.stop)
            for start, stop in self.pace.chunks(first, last):
                began = perf_counter()
                donate = start > kept.start  # nobody else holds the state then
                state = self.scan(step, state, data, rows, start, stop, donate)
                cost, hits, weights = _read(state.metrics)
                so_far = sums.plus(cost, hits, sum(stretch.sizes[first:stop]), weights)
                self.pace.adjust(stop - start, perf_counter() - began)
                self._check(so_far, stretch, zero, kept, stop)
                self.tell(so_far.progress)
                kept = kept.or_later(state, stop)
            sums = so_far
        return state, sums

    def _check(
        self, sums: Sums, stretch: Stretch, zero: Metrics, kept: _Kept, stop: int
    ) -> None:
        if not isfinite(sums.cost):
            replay = Replay(self.scan, *stretch[:3], zero, kept.start, stop)
            raise find_divergence(replay, kept.state, sums.epoch, stretch.before)


def _read(metrics: Metrics) -> tuple[float, float | None, float | None]:
    """Read the sums so far on the host."""
    hits, weights = (None if each is None else total(to_host(each)) for each in metrics[1:])
    return total(to_host(metrics.cost)), hits, weights
