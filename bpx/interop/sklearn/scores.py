"""The score of held-out samples after each epoch, as an observer of the training."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from bpx.arrays.host import HostArray
from bpx.arrays.transfer import to_host
from bpx.interop.sklearn.problem import Problem
from bpx.interop.sklearn.rows import blocks
from bpx.model.outputs import outputs
from bpx.model.parameters import Parameters
from bpx.training.step import Data, State

__all__ = ["Score", "ValidationScore", "host_outputs"]

Score = Callable[[HostArray, HostArray, HostArray | None], float]
"""``score(y, outputs, sample_weight)``, with y encoded as for training."""


@dataclass(frozen=True)
class ValidationScore:
    """An `Observer`: the score of held-out samples; NaN if an output is not finite.

    Attributes
    ----------
    held : Problem
        With the samples that are held out.
    score : Score
    """

    held: Problem
    score: Score

    name: ClassVar[str] = "validation_score"

    def __call__(self, state: State, data: Data, epoch: int) -> float:
        """Return the score at the end of an epoch."""
        found = host_outputs(self.held, state.parameters)
        if not np.isfinite(found).all():
            return float("nan")
        return float(self.score(self.held.y, found, self.held.s))


def host_outputs(problem: Problem, parameters: Parameters) -> HostArray:
    """Return a^L of all samples of a problem, on the host."""
    with problem.home.active():
        parts: list[Any] = [
            to_host(outputs(problem.spec, parameters, x))
            for x in blocks(problem.x, problem.home)
        ]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
