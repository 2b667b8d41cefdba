"""Streams of mini-batches that the caller makes, cut into epochs."""

from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from bpx._typing import Array
from bpx.arrays.home import Home
from bpx.errors import InputError
from bpx.model.inputs import Samples
from bpx.training.batches import EpochBatches, Stretch
from bpx.training.step import Data, TrainingStep

__all__ = ["Stream", "Streamed", "WholeBatches"]


@dataclass
class WholeBatches:
    """The rows of mini-batches that are used as a whole: 0 to m - 1, shape (1, m)."""

    home: Home
    made: dict[int, Array] = field(default_factory=dict)

    def __call__(self, m: int) -> Array:
        """Return the rows for m samples."""
        if m not in self.made:
            self.made[m] = self.home.asarray([list(range(m))], "int32")
        return self.made[m]


class Stream:
    """An iterable of mini-batches; the first one is read before training begins.

    Parameters
    ----------
    batches : iterable
        Iterated anew in each epoch; an iterator continues instead.
    steps : int or None
        The number of mini-batches in an epoch; None for all of them.

    Attributes
    ----------
    first : object
        The first mini-batch.
    lasts : bool
        Whether it can be iterated again.

    Raises
    ------
    InputError
        If it is not iterable, or has no mini-batch.
    """

    def __init__(self, batches: Any, steps: int | None) -> None:
        if not isinstance(batches, Iterable):
            raise InputError(
                f"batches is {type(batches).__name__}; expected an iterable of mini-batches "
                "(x, y), such as a generator or a list"
            )
        self._batches, self._steps = batches, steps
        self._current = iter(batches)  # which may start the processes of a loader
        self.lasts = self._current is not batches
        self.first = next(self._current, None)
        if self.first is None:
            raise InputError("batches has no mini-batch; expected at least one")
        self._current, self._fresh = chain((self.first,), self._current), True

    @property
    def steps(self) -> int | None:
        """The number of mini-batches in an epoch, if it is known before."""
        own = len(self._batches) if self.lasts and isinstance(self._batches, Sized) else None
        if self._steps is None or own is None:
            return self._steps or own
        return min(self._steps, own)

    def epoch(self) -> Iterator[Any] | None:
        """Return the mini-batches of the next epoch, or None if there are no more.

        Raises
        ------
        InputError
            If it is iterated anew, and has no mini-batch this time.
        """
        if not self._fresh and self.lasts:
            self._current = iter(self._batches)
        self._fresh = False
        first = next(self._current, None)
        if first is None:
            if self.lasts:
                raise InputError(
                    "batches had mini-batches in its first epoch, but has none now; expected "
                    "an iterable that begins anew each time, such as a list, or an iterator"
                )
            return None
        return islice(chain((first,), self._current), self._steps)


@dataclass
class Streamed:
    """`Batches` of a stream: each mini-batch is moved home when its step is due.

    Attributes
    ----------
    home : Home
    step : TrainingStep
    stream : Stream
    arrive : callable
        ``arrive(batch) -> Samples``, at home.
    weighted : bool
        Whether the samples have weights: all of them, or none.
    """

    home: Home
    step: TrainingStep
    stream: Stream
    arrive: Callable[[Any], Samples]
    weighted: bool
    whole: WholeBatches = field(init=False)

    def __post_init__(self) -> None:
        self.whole = WholeBatches(self.home)

    @property
    def steps(self) -> int | None:
        """The number of steps in an epoch; None if the stream does not tell."""
        return self.stream.steps

    def start(self) -> None:
        """Add nothing to the state."""

    def finish(self) -> dict[str, Any]:
        """Add nothing to an epoch's record."""
        return {}

    def __call__(self, epoch: int, skip: int = 0) -> EpochBatches | None:
        """Return the next mini-batches, or None if there are no more."""
        batches = self.stream.epoch()
        if batches is None:
            return None
        return EpochBatches(None, self._stretches(batches, epoch))

    def _stretches(self, batches: Iterator[Any], epoch: int) -> Iterator[Stretch]:
        for i, batch in enumerate(batches):
            samples = self.arrive(batch)
            self._check_kind(samples, f"mini-batch {i + 1} of epoch {epoch}")
            m = samples.x.shape[0]
            data = Data(samples.x, samples.y, samples.s)
            yield Stretch(self.step, data, self.whole(m), (m,), m, i, 0, 1)

    def _check_kind(self, samples: Samples, which: str) -> None:
        """Refuse a mini-batch that would need another step."""
        for what, found, first in (
            ("labels", samples.accuracy is not None, self.step.accuracy is not None),
            ("weights", samples.s is not None, self.weighted),
        ):
            if found != first:
                has, had = ("" if each else "no " for each in (found, first))
                raise InputError(
                    f"{which} has {has}{what}, but the first one had {had}{what}; expected all "
                    "mini-batches to be of one kind"
                )
