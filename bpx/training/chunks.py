"""Stretches of mini-batches, run in chunks of about half a second.

Progress is reported, checkpoints are written and Ctrl-C takes effect between chunks. Values on
the device are read on the host only there, never inside a chunk. States are kept along the way,
so that the steps since then can be rerun to find where the cost became non-finite.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from math import isfinite

from bpx.arrays.host import total
from bpx.arrays.transfer import to_host
from bpx.model.metrics import Accuracy
from bpx.program.contract import Scan, after
from bpx.program.preparation import clock
from bpx.training.batches import Stretch
from bpx.training.divergence import Replay, find_divergence
from bpx.training.keeper import NOBODY, Keeper, Place
from bpx.training.parallel.agreement import ALONE, Agreement
from bpx.training.parallel.sums import own
from bpx.training.records import Progress, Sums
from bpx.training.step import Metrics, State
from bpx.training.zeros import Zeros

__all__ = ["Chunks"]

CHUNK_SECONDS = 0.5
KEPT_SECONDS = 5.0
SUM_STEPS = 4096


@dataclass(frozen=True)
class _Kept:
    """A state that stays unchanged, so that later steps can be rerun from it."""

    state: State
    start: int
    age: float = 0.0

    def or_later(self, state: State, start: int, seconds: float) -> "_Kept":
        """Return this one, older now or, once it is old, `state`, which precedes `start`."""
        age = self.age + seconds
        return _Kept(state, start) if age > KEPT_SECONDS else replace(self, age=age)


@dataclass
class _Pace:
    """The length of the next chunk: the number of steps that take about half a second."""

    steps: int = 1

    def adjust(self, steps: int, seconds: float) -> None:
        fitting = int(steps * CHUNK_SECONDS / max(seconds, 1e-9))
        self.steps = max(1, min(fitting, 8 * max(steps, self.steps)))

    def chunks(
        self, start: int, stop: int, most: Callable[[], int | None]
    ) -> Iterator[tuple[int, int]]:
        """Split the steps into chunks of the current length, or of ``most()`` if that is less.

        Neither `start` nor `stop` depends on the ends of the chunks.
        """
        while start < stop:
            limit = most()
            length = self.steps if limit is None else max(1, min(self.steps, limit))
            end = min(start + length, stop)
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
    keeper : Keeper
        Looks at the training after each chunk.
    agreement : Agreement
        What the ranks agree upon after each chunk, if there are several.
    """

    scan: Scan
    accuracy: Accuracy
    tell: Callable[[Progress], None]
    weighted: bool = False
    keeper: Keeper = NOBODY
    agreement: Agreement = ALONE
    pace: _Pace = field(default_factory=_Pace)
    zeros: Zeros = field(default_factory=Zeros)

    def __call__(
        self,
        state: State,
        stretch: Stretch,
        sums: Sums,
        index: int = 0,
        begin: Place | None = None,
        *,
        done: int = 0,
    ) -> tuple[State, Sums]:
        """Return the state and the sums after a stretch.

        The metrics are summed on the device over `SUM_STEPS` steps, whatever the chunks, so
        that the ends of chunks change no digit; then they are added on the host, in float64.

        Parameters
        ----------
        state, stretch, sums
        index : int, optional
            The stretch's index in its epoch.
        begin : Place, optional
            The place in this stretch to continue from, in place of its beginning.
        done : int, optional
            The training's steps before the epoch.

        Raises
        ------
        DivergenceError
            If the cost becomes non-finite.
        """
        zero = self.zeros(state.parameters, stretch.width, self.accuracy, self.weighted)
        scan = after(done + stretch.before, self.scan)
        if begin is not None:
            begin = self._own(begin, stretch.width)
        first = stretch.start if begin is None else begin.first
        while first < stretch.stop:
            last = min(first + SUM_STEPS, stretch.stop)
            begun = state._replace(metrics=zero), sums, index, first, first
            place = begin or Place(*begun, stretch.before + first, sums.samples)
            state, sums = self._block(scan, place, stretch, last, zero)
            first, begin = last, None
        return state, sums

    def _own(self, begin: Place, width: int) -> Place:
        """Return the place with the sums of this rank, of those that a checkpoint has."""
        metrics = own(self.agreement.ranks, begin.state.metrics, width)
        return begin._replace(state=begin.state._replace(metrics=metrics))

    def _block(
        self, scan: Scan, place: Place, stretch: Stretch, last: int, zero: Metrics
    ) -> tuple[State, Sums]:
        """Run the rows up to `last`, whose metrics are summed on the device."""
        (step, data, rows), state = stretch[:3], place.state
        so_far = self._summed(place, stretch) if place.start > place.first else place.sums
        kept = _Kept(state, place.start)
        for start, stop in self.pace.chunks(place.start, last, self.keeper.most):
            began = clock()
            donate = start > kept.start  # nobody else holds the state then
            state = scan(step, state, data, rows, start, stop, donate)
            now = place._replace(state=state, start=stop, steps=stretch.before + stop)
            so_far = self._summed(now, stretch)
            now = now._replace(samples=so_far.samples)
            seconds = self.agreement.mean(clock() - began)
            self.pace.adjust(stop - start, seconds)
            if not isfinite(so_far.cost):
                chunk = scan, *stretch[:3], zero, kept.start, stop
                replay = Replay(*chunk, self.agreement)
                raise find_divergence(replay, kept.state, so_far.epoch, stretch.before)
            self.tell(so_far.progress)
            self.keeper.between(now)
            kept = kept.or_later(state, stop, seconds)
        return state, so_far

    def _summed(self, place: Place, stretch: Stretch) -> Sums:
        """Return the sums of the epoch at a place, on the host."""
        cost, hits, weights = self.agreement.sums(_read(place.state.metrics))
        samples = sum(stretch.sizes[place.first : place.start])
        assert cost is not None
        return place.sums.plus(cost, hits, samples, weights)


def _read(metrics: Metrics) -> tuple[float, float | None, float | None]:
    """Read the sums so far on the host."""
    hits, weights = (None if each is None else total(to_host(each)) for each in metrics[1:])
    return total(to_host(metrics.cost)), hits, weights
