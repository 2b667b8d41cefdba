"""Stretches of mini-batches, run in chunks of about half a second.

Between chunks progress is told and Ctrl-C is heard. Only there, and never inside a chunk, is a
value of the device read on the host. States are kept on the way, from which the steps since can
be run again to find where the cost turned non-finite.
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
    """A state that stays as it is, from which the steps since can be run again."""

    state: State
    start: int
    at: float = field(default_factory=perf_counter)

    def or_later(self, state: State, start: int) -> "_Kept":
        """The same, or, when it has become old, this state before the step `start`."""
        return _Kept(state, start) if perf_counter() - self.at > KEPT_SECONDS else self


@dataclass
class _Pace:
    """The length of the next chunk: as many steps as take about half a second."""

    steps: int = 1

    def adjust(self, steps: int, seconds: float) -> None:
        fitting = int(steps * CHUNK_SECONDS / max(seconds, 1e-9))
        self.steps = max(1, min(fitting, 8 * max(steps, self.steps)))

    def chunks(self, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """The steps from `start` to `stop` in chunks, each as long as the pace says then."""
        while start < stop:
            end = min(start + self.steps, stop)
            yield start, end
            start = end


@dataclass(frozen=True)
class Chunks:
    """What runs the mini-batches of a training: ``chunks(state, stretch, sums)``.

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
        """The state after a stretch, and what has been summed up then.

        The metrics are summed up on the device for `SUM_STEPS` steps, whatever the chunks, so
        that where these end changes no digit, and then taken to the host, in float64.

        Raises
        ------
        DivergenceError
            If the cost turns non-finite.
        """
        step, data, rows = stretch[:3]
        how = stretch.width, self.accuracy, self.weighted
        zero = zero_metrics(state.parameters.b[0], *how)
        for first in range(stretch.start, stretch.stop, SUM_STEPS):
            state, so_far = state._replace(metrics=zero), sums
            kept, last = _Kept(state, first), min(first + SUM_STEPS, stretch.stop)
            for start, stop in self.pace.chunks(first, last):
                began = perf_counter()
                donate = start > kept.start  # then only we have it
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
    """The sums so far, on the host."""
    hits, weights = (None if each is None else total(to_host(each)) for each in metrics[1:])
    return total(to_host(metrics.cost)), hits, weights
