"""Gradient accumulation: an update whose mini-batch is computed in chunks, one after another.

The gradient of a mini-batch is a sum over its samples, w' = Σ_x r_x (…), so it is also the sum
of the sums over its chunks, with the row weights of the whole mini-batch. Only the z, a and
delta of one chunk are in memory at a time.
"""

from dataclasses import dataclass, replace
from functools import reduce
from math import inf
from typing import Any

from bpx._typing import Array
from bpx._validate import whole
from bpx.arrays.registry import namespace
from bpx.errors import InputError
from bpx.model.averages import averaged
from bpx.model.parameters import Gradients
from bpx.model.passes import learned
from bpx.model.spec import Spec
from bpx.model.weights import weighed
from bpx.optim.chained import Update
from bpx.optim.trees import first, mapped
from bpx.program.contract import leaves
from bpx.program.marks import symbols
from bpx.training.around import Around
from bpx.training.batches import AroundBatches, Batches, EpochBatches, Stretch
from bpx.training.step import Data, Metrics, State, TrainingStep, counted

__all__ = [
    "Accumulated",
    "AccumulatedStep",
    "check_accumulate",
    "check_enough",
    "chunk_size",
    "short_of",
    "smallest_chunk",
]


def chunk_size(m: int, chunks: int) -> int:
    """The samples in each chunk of m samples, but the last, which may be smaller."""
    return max(1, -(-m // chunks))


def smallest_chunk(m: int, chunks: int) -> int:
    """The samples in the last chunk of m samples, the smallest one."""
    size = chunk_size(m, chunks)
    return m % size or size


def check_enough(spec: Spec, m: int, chunks: int = 1) -> None:
    """Refuse a mini-batch of m samples that a layer cannot train on.

    Raises
    ------
    InputError
        If there are fewer in it, or in its last chunk, than the layer needs.
    """
    if short := short_of(spec, smallest_chunk(m, chunks)):
        which, fewest = short
        part = f" in {chunks} chunks" if chunks > 1 else ""
        each = "each chunk" if chunks > 1 else "each mini-batch"
        raise InputError(
            f"a mini-batch of {m} sample{'s' * (m != 1)}{part} was given, and {which}, needs "
            f"at least {fewest} in {each}; give more samples"
        )


def short_of(spec: Spec, samples: int) -> tuple[str, int] | None:
    """Return the first layer that needs more samples at once, and how many it needs."""
    for place, layer in enumerate(spec.layers, 1):
        fewest = getattr(layer, "fewest", 1)
        if samples < fewest:
            return f"layer {place}, {layer.kind!r}", fewest
    return None


@dataclass(frozen=True)
class AccumulatedStep(Around):
    """``step(state, data, rows) -> state``: the update of `plain`, with less memory.

    Attributes
    ----------
    plain : TrainingStep
    chunks : int
        Into how many chunks the mini-batch is cut, each of `chunk_size` samples.
    update : Update
        That of `plain`, where engines look for it; they may replace it.
    """

    plain: TrainingStep
    chunks: int
    update: Update

    def __call__(self, state: State, data: Data, rows: Array) -> State:
        """Train on one mini-batch."""
        m, size = rows.shape[-1], chunk_size(rows.shape[-1], self.chunks)
        state, summed, metrics = self._chunk(state, data, rows[..., :size], 0, m)
        metrics = _plus(state.metrics, metrics)
        for begin in range(size, m, size):
            # Memory is saved only if this chunk begins after the last one has ended.
            zero = _zero_after((summed, metrics))
            part = rows[..., begin : min(begin + size, m)] + zero
            after, gradient, more = self._chunk(_later(state, zero), data, part, begin, m)
            state = state._replace(parameters=after.parameters)
            summed = mapped(lambda total, each: total + each, summed, gradient)
            metrics = _plus(metrics, more)
        moved = replace(self.plain, update=self.update).moved(state, summed)
        return counted(moved)._replace(metrics=metrics)

    @symbols("s", "r")
    def _chunk(
        self, state: State, data: Data, rows: Array, begin: int, m: int
    ) -> tuple[State, Gradients, Metrics]:
        """The sums over a chunk, which begins with the row `begin` of m.

        The state then has the parameters that layers average, such as those of `BatchNorm`.
        """
        plain = self.plain
        x, labels = plain.picked(data, rows)
        s = plain.weights(data, rows, begin)
        r = plain.row_weights(s, m)
        made = plain.passes(state, x, labels, None if s is None else r, (begin, m))
        cost, hits = weighed(s, plain.costs(made)), weighed(s, plain.hits(made))
        gradient = learned(made.run, r, made.deltas)
        metrics = Metrics(cost, hits, None if hits is None else s)
        parameters = averaged(self.spec, state.parameters, state.parameters, made.layers)
        return state._replace(parameters=parameters), gradient, metrics


def _zero_after(done: Any) -> Array:
    """Return 0, shape (1,), int32, which no engine has before all of `done`: it reads of each.

    Nothing is above infinity, not even NaN.
    """
    xp = namespace(first(done))
    above = (xp.reshape(each, (-1,))[:1] > inf for each in leaves(done))
    return xp.astype(reduce(xp.logical_or, above), xp.int32)


def _later(state: State, zero: Array) -> State:
    """The state, from which random numbers are drawn only once `zero` is there."""
    randomness = state.randomness
    if randomness is None:
        return state
    return state._replace(randomness=randomness._replace(step=randomness.step + zero))


def _plus(metrics: Metrics, more: Metrics) -> Metrics:
    cost = _with(metrics.cost, more.cost)
    return Metrics(cost, *map(_added, metrics[1:], more[1:]))


def _added(total: Array | None, more: Array | None) -> Array | None:
    return None if total is None or more is None else _with(total, more)


def _with(total: Array, more: Array) -> Array:
    """Add the numbers of a chunk; the sum of a smaller chunk is added to the first number."""
    if total.shape == more.shape:
        return total + more
    xp, device = namespace(total), getattr(total, "device", None)
    places = xp.arange(total.shape[-1], dtype=xp.int32, device=device)
    return total + xp.sum(more, axis=-1, keepdims=True) * xp.astype(places < 1, total.dtype)


@dataclass(frozen=True)
class Accumulated(AroundBatches):
    """`Batches` whose mini-batches are computed in chunks.

    Attributes
    ----------
    whole : Batches
    chunks : int
    """

    whole: Batches
    chunks: int

    def __call__(self, epoch: int, skip: int = 0) -> EpochBatches | None:
        """Return the epoch with that number, from 1, or None if there are no more."""
        batches = self.whole(epoch, skip)
        if batches is None:
            return None
        return batches._replace(stretches=map(self._in_chunks, batches.stretches))

    def _in_chunks(self, stretch: Stretch) -> Stretch:
        plain: Any = stretch.step
        step = AccumulatedStep(plain, self.chunks, plain.update)
        return stretch._replace(step=step, width=chunk_size(stretch.width, self.chunks))


def check_accumulate(accumulate: Any, spec: Spec, batch_size: int | None, private: bool) -> int:
    """Return the number of chunks of each mini-batch; 1 for none.

    Parameters
    ----------
    accumulate
        The argument of `train`.
    spec : Spec
    batch_size : int or None
        None for a stream, whose mini-batches may have any sizes.
    private : bool
        Whether training is private, which has its own parts of mini-batches.

    Raises
    ------
    InputError
        If it cannot be used, or a layer's random numbers would be the same in all chunks.
    """
    most, what = None, "a whole number of at least 1"
    if isinstance(batch_size, int) and batch_size >= 1:  # otherwise it is refused itself
        most, what = batch_size, f"a whole number in 1 ... {batch_size}, the batch_size"
    chunks = whole("accumulate", accumulate, 1, most, what)
    if chunks == 1:
        return 1
    if private:
        raise InputError(
            f"accumulate={chunks} was given with privacy; set the rows that are computed at "
            "once by DPSGD(physical_size=...)"
        )
    for place, layer in enumerate(spec.layers, 1):
        if layer.draws and not getattr(layer, "draws_by_rows", False):
            raise InputError(
                f"accumulate={chunks} was given, but layer {place}, {layer.kind!r}, would draw "
                "the same random numbers in each chunk; pass rows=context.rows to "
                "bpx.random.bernoulli and give the layer draws_by_rows = True, or omit it"
            )
    return chunks
