"""Zero sums that are the same arrays each time, so that an engine recognises them."""

from typing import Any

from bpx.model.metrics import Accuracy
from bpx.model.parameters import Parameters
from bpx.training.step import Metrics, zero_metrics

__all__ = ["Zeros"]


class Zeros:
    """`zero_metrics` for one training, made once for each kind: nobody may write to them."""

    def __init__(self) -> None:
        self._made: dict[Any, Metrics] = {}

    def __call__(
        self, parameters: Parameters, batch: int, accuracy: Accuracy, weighted: bool = False
    ) -> Metrics:
        """Return zero sums, shape (batch,), or (K, batch) for the parameters of K networks."""
        kind = batch, accuracy, weighted
        if kind not in self._made:
            self._made[kind] = zero_metrics(parameters.like, *kind)
        return self._made[kind]
