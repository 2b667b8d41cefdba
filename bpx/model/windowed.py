"""Samples that are in memory one window at a time, and their evaluation."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, Self

from bpx.arrays.ranks import Communicator
from bpx.errors import InputError
from bpx.metrics import AnyMetric
from bpx.model.evaluate import Evaluation, Tally, evaluate
from bpx.model.inputs import Samples
from bpx.model.metrics import Accuracy
from bpx.model.parameters import Parameters
from bpx.model.spec import Spec

__all__ = ["WindowedSamples", "Windows", "evaluated", "finished"]


class Windows(Protocol):
    """Windows of samples, in order; each is valid until the second next is asked for."""

    def __iter__(self) -> Iterator[Samples]: ...

    def close(self) -> None:
        """Stop reading ahead."""


@dataclass(frozen=True)
class WindowedSamples:
    """Samples for evaluation that are read window by window, each time anew.

    Attributes
    ----------
    stream : bpx.data.Stream
    label : str
        The name in messages.
    windows : callable
        ``windows(as_numbers) -> Windows``, at home. Without `as_numbers`, targets of a window
        that are classes, such as one-hot rows, become labels, as those of arrays do.
    look : callable
        ``look() -> Samples`` returns some first samples, in memory of their own.
    span : callable
        ``span(as_numbers, begin, end) -> Windows`` of the samples `begin` to `end`.
    """

    stream: Any
    label: str
    windows: Callable[[bool], Windows]
    look: Callable[[], Samples]
    span: Callable[[bool, int, int], Windows]

    @cached_property
    def first(self) -> Samples:
        """Some first samples."""
        return self.look()

    def looked_at(self) -> Self:
        """Return it after reading its first samples, so that an error in them is raised."""
        assert self.first
        return self

    @property
    def accuracy(self) -> Accuracy:
        """The rule for a right answer, as far as the first samples tell."""
        return self.first.accuracy


def evaluated(
    spec: Spec,
    parameters: Parameters,
    samples: Samples | WindowedSamples,
    metrics: tuple[AnyMetric, ...] = (),
    ranks: Communicator | None = None,
) -> Evaluation:
    """Evaluate samples of either kind; the results are the same, to the last bit.

    Whether targets are classes depends on all of them. If the windows disagree, they are read
    again from the beginning, with targets as numbers. Several ranks, if given, share the work.

    Raises
    ------
    InputError
        If the samples or a metric cannot be used.
    """
    if isinstance(samples, Samples):
        return evaluate(spec, parameters, samples, metrics, ranks)
    tally = _over(spec, parameters, samples.windows(False), metrics, ranks)
    if tally is None:
        tally = _over(spec, parameters, samples.windows(True), metrics, ranks)
    return finished(samples, tally)


def finished(samples: WindowedSamples, tally: Tally | None) -> Evaluation:
    """Return the evaluation of samples that have been added.

    Raises
    ------
    InputError
        If there are none, or all have the weight 0.
    """
    if tally is None or not tally.n:
        raise InputError(f"{samples.label} has no samples; expected at least one")
    if not tally.weights:
        raise InputError(
            f"sample_weight of {samples.label} is 0 for every sample; expected finite weights, "
            "one of them above 0"
        )
    return tally.evaluation


def _over(
    spec: Spec,
    parameters: Parameters,
    windows: Windows,
    metrics: tuple[AnyMetric, ...],
    ranks: Communicator | None,
) -> Tally | None:
    """Return the sums over all windows, or None if their targets are of several kinds."""
    tally = None
    try:
        for part in windows:
            tally = tally or Tally(spec, parameters, part.accuracy, metrics, ranks)
            if part.accuracy != tally.accuracy:
                return None
            tally.add(part)
    finally:
        windows.close()
    return tally
