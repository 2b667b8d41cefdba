"""The mini-batches of an epoch, in an order that the estimator's random state draws."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpx.arrays.home import Home
from bpx.arrays.host import HostArray
from bpx.interop.sklearn.rows import dense, is_sparse, rows_at_once, taken, targets
from bpx.interop.sklearn.step import PenalisedData, PenalisedStep
from bpx.training.batches import EpochBatches, Stretch

__all__ = ["OrderedBatches"]


@dataclass(frozen=True)
class OrderedBatches:
    """`Batches` that use each sample once per epoch.

    Attributes
    ----------
    home : Home
    step : PenalisedStep
    data : PenalisedData
        At home; or, if x is a SciPy sparse matrix, x, y and s on the host.
    batch_size : int
    order : callable
        ``order()`` returns the order of the samples in the next epoch.
    """

    home: Home
    step: PenalisedStep
    data: PenalisedData
    batch_size: int
    order: Callable[[], HostArray]

    @property
    def steps(self) -> int:
        """The number of steps in an epoch."""
        return -(-self.data.x.shape[0] // self.batch_size)

    def start(self) -> None:
        """Add nothing to the state."""

    def finish(self) -> Mapping[str, Any]:
        """Add nothing to an epoch's record."""
        return {}

    def __call__(self, epoch: int, skip: int = 0) -> EpochBatches:
        """Return the epoch with that number."""
        order = self.order()
        whole = order.size - order.size % self.batch_size
        parts = [order[:whole].reshape(-1, self.batch_size), order[whole:].reshape(1, -1)]
        return EpochBatches(order.size, self._stretches([p for p in parts if p.size]))

    def _stretches(self, parts: list[HostArray]) -> Iterator[Stretch]:
        before = 0
        for part in parts:
            for rows, data in self._with_data(part):
                steps, batch = rows.shape
                at_home = self.home.asarray(rows, "int32")
                sizes = (batch,) * steps
                yield Stretch(self.step, data, at_home, sizes, batch, before, 0, steps)
                before += steps

    def _with_data(self, rows: HostArray) -> Iterator[tuple[HostArray, PenalisedData]]:
        """Yield index matrices with the samples that they pick from."""
        if not is_sparse(self.data.x):
            yield rows, self.data
            return
        at_once = max(1, rows_at_once(self.data.x) // self.batch_size)
        for begin in range(0, rows.shape[0], at_once):
            block = rows[begin : begin + at_once]
            picked = block.reshape(-1)
            yield np.arange(picked.size).reshape(block.shape), self._dense(picked)

    def _dense(self, picked: HostArray) -> PenalisedData:
        data: Any = self.data
        x = dense(taken(data.x, picked), self.home)
        s = None if data.s is None else self.home.asarray(data.s[picked])
        return data._replace(x=x, y=targets(data.y[picked], self.home), s=s)
