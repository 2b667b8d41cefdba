"""The evaluation of samples on a disk by several ranks, each of which reads its part alone."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bpx.arrays.ranks import Communicator
from bpx.metrics import AnyMetric
from bpx.model.evaluate import Evaluation, PartSums, Tally
from bpx.model.inputs import Samples, rows_at_once
from bpx.model.metrics import Accuracy
from bpx.model.parameters import Parameters
from bpx.model.spec import Spec
from bpx.model.windowed import WindowedSamples, Windows, evaluated, finished
from bpx.training.parallel.alike import check_same
from bpx.training.parallel.failing import gathered, together

__all__ = ["evaluated_by", "span_of"]


def evaluated_by(
    ranks: Communicator | None,
    spec: Spec,
    parameters: Parameters,
    samples: Samples | WindowedSamples,
    metrics: tuple[AnyMetric, ...] = (),
) -> Evaluation:
    """Evaluate samples of either kind on some ranks, to the same bits as on one.

    Of a stream that tells how many samples it has, each rank reads consecutive ones. Of any
    other, each rank reads all, and they must read the same.

    Raises
    ------
    InputError
        If the samples or a metric cannot be used; on every rank.
    """
    if ranks is None or isinstance(samples, Samples):
        return evaluated(spec, parameters, samples, metrics, ranks)
    if not samples.stream.samples:
        alike = replace(samples, windows=lambda kinds: _Alike(ranks, samples.windows(kinds)))
        return evaluated(spec, parameters, alike, metrics, ranks)
    how = spec, parameters, samples, metrics
    tally = _over(ranks, *how, as_numbers=False)
    if tally is None:  # as `evaluated` does
        tally = _over(ranks, *how, as_numbers=True)
    return finished(samples, tally)


@dataclass(frozen=True)
class _Alike:
    """Windows that every rank reads: what one cannot read, or reads otherwise, fails on all."""

    ranks: Communicator
    windows: Windows

    def __iter__(self) -> Iterator[Samples]:
        windows = iter(self.windows)
        while (part := together(self.ranks, lambda: next(windows, None))) is not None:
            self._check(part.x.shape[0])
            yield part
        self._check(0)

    def close(self) -> None:
        """Stop reading ahead."""
        self.windows.close()

    def _check(self, n: int) -> None:
        check_same(self.ranks, {"the held-out samples that it has read": n})


def span_of(n: int, at_once: int, rank: int, size: int) -> tuple[int, int]:
    """Return the samples of a rank: whole parts of those computed at once, about as many."""
    parts = -(-n // at_once)
    begin, end = (parts * each // size * at_once for each in (rank, rank + 1))
    return begin, min(end, n)


def _over(
    ranks: Communicator,
    spec: Spec,
    parameters: Parameters,
    samples: WindowedSamples,
    metrics: tuple[AnyMetric, ...],
    *,
    as_numbers: bool,
) -> Tally | None:
    """Return the sums over all samples, or None if their targets are of several kinds."""
    span = span_of(samples.stream.samples, rows_at_once(spec), ranks.rank, ranks.size)

    def own() -> tuple[set[Accuracy], list[PartSums]]:
        return _own(spec, parameters, samples, metrics, as_numbers, span)

    found = gathered(ranks, own)
    kinds = {kind for each, _ in found for kind in each}
    if len(kinds) != 1:
        return None
    tally = Tally(spec, parameters, kinds.pop(), metrics)
    for _, sums in found:
        tally.plus(sums)
    return tally


def _own(
    spec: Spec,
    parameters: Parameters,
    samples: WindowedSamples,
    metrics: tuple[AnyMetric, ...],
    as_numbers: bool,
    span: tuple[int, int],
) -> tuple[set[Accuracy], list[PartSums]]:
    """Return the kinds of this rank's targets, and the sums over each part of its samples."""
    windows, sums = samples.span(as_numbers, *span), list[PartSums]()
    kinds: set[Accuracy] = set()
    try:
        for part in windows:
            kinds.add(part.accuracy)
            if len(kinds) > 1:
                break
            sums += Tally(spec, parameters, part.accuracy, metrics).sums(part)
    finally:
        windows.close()
    return kinds, sums
