"""Where a rising learning rate learned best: rules that read the costs of its steps.

The costs are those of `bpx.learning_rate_range`: one for each learning rate, ascending by equal
factors.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, isfinite, log
from typing import Literal, TypeAlias

__all__ = ["RULES", "Divergence", "RuleName", "smoothed", "suggested"]

DECAY = 0.9
"""The weight of a cost in the mean around another, for each step between the two."""

FIRST = 20
"""The number of costs in the first mean that is compared."""

RISE = 3.0
"""A mean cost has diverged that is above the lowest by so many times this, or its fall."""

Series: TypeAlias = Sequence[float]


@dataclass
class Divergence:
    """The running mean of the costs so far, its first value, and its lowest.

    The mean of the first `FIRST` costs is the first one: a single cost may be low by chance.
    """

    count: int = 0
    total: float = 0.0
    weight: float = 0.0
    start: float = inf
    lowest: float = inf

    def reached(self, cost: float) -> bool:
        """Whether with one more cost they have left the region in which training works.

        They have if it is not finite, or if their running mean rises above its lowest value by
        more than `RISE` times that value, and than `RISE` times what it fell before.
        """
        if not isfinite(cost):
            return True
        self.count += 1
        self.total, self.weight = DECAY * self.total + cost, DECAY * self.weight + 1.0
        if self.count < FIRST:
            return False
        mean = self.total / self.weight
        if self.count == FIRST:
            self.start = mean
        self.lowest = min(self.lowest, mean)
        return mean - self.lowest > RISE * max(abs(self.lowest), self.start - self.lowest)


def smoothed(costs: Series) -> list[float]:
    """Return the mean around each cost, in which costs n steps away have the weight 0.9^n.

    The means look to both sides, so they lag behind nothing. No cost counts more than the
    highest one before the lowest, so that the last costs of a training that diverges do not
    hide what was before.
    """
    finite = [cost if isfinite(cost) else inf for cost in costs]
    lowest = finite.index(min(finite)) if finite else 0
    most = max((cost for cost in finite[: lowest + 1] if cost < inf), default=0.0)
    given = [min(cost, most) for cost in finite]
    before, after = _sums(given), _sums(given[::-1])[::-1]
    return [
        (total + more - cost) / (weight + others - 1.0)
        for cost, (total, weight), (more, others) in zip(given, before, after, strict=True)
    ]


def _sums(costs: Series) -> list[tuple[float, float]]:
    """Return the weighted sums of each cost and all before it, and of their weights."""
    total, weight, found = 0.0, 0.0, []
    for cost in costs:
        total, weight = DECAY * total + cost, DECAY * weight + 1.0
        found.append((total, weight))
    return found


def suggested(rule: str, etas: Series, means: Series) -> float | None:
    """Return the learning rate that a rule suggests; None if the cost never falls."""
    found = RULES[rule](etas, means)
    return None if found is None else float(etas[found])


def _steepest(etas: Series, means: Series) -> int | None:
    """The step at which the mean cost falls fastest, over the logarithm of eta."""
    lowest = means.index(min(means)) if means else 0
    slopes = {
        i: (means[i + 1] - means[i - 1]) / log(etas[i + 1] / etas[i - 1])
        for i in range(1, min(lowest + 1, len(means) - 1))
    }
    at = min(slopes, key=slopes.__getitem__, default=None)
    return None if at is None or slopes[at] >= 0.0 else at


def _valley(etas: Series, means: Series) -> int | None:
    """The middle of the longest falling sequence, whose steps may be apart; as in fastai."""
    longest, end = [1] * len(means), 0
    ends: list[float] = []  # of sequences of 1, 2, ... steps: the highest, negated to ascend
    for i, mean in enumerate(means):
        at = bisect_left(ends, -mean)
        ends[at : at + 1] = [-mean]
        longest[i] = at + 1
        end = i if longest[i] > longest[end] else end
    if not means or longest[end] == 1:
        return None
    start = max(0, end - longest[end])
    third = (end - start) / 3
    return start + int(third) + int(third / 2)


def _minimum(etas: Series, means: Series) -> int | None:
    """The step with a tenth of the learning rate of the lowest mean cost."""
    lowest = means.index(min(means)) if means else 0
    below = [i for i in range(lowest) if etas[i] <= 0.1 * etas[lowest]]
    return below[-1] if below else None


RULES: dict[str, Callable[[Series, Series], int | None]] = {
    "steepest": _steepest,
    "valley": _valley,
    "minimum": _minimum,
}
"""The rules by name: functions of the learning rates and the mean costs, to an index."""

RuleName: TypeAlias = Literal["steepest", "valley", "minimum"]
"""The keys of `RULES`, for type checkers and editors."""
