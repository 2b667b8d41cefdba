"""One training on several devices of a process: each computes a part of every mini-batch.

The step stays as it is. It only says that the rows of a mini-batch are spread over the devices,
and XLA's partitioner divides what depends on them: gathers, products, and what couples samples.
Sums over samples become sums over the devices (GSPMD: Y. Xu et al. 2021). Weights, and all
samples, are on every device.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from bpx.program.contract import Scan, Step

__all__ = ["Devices", "Spread"]


@dataclass(frozen=True)
class Spread:
    """A step whose rows are spread over devices.

    Attributes
    ----------
    plain : Step
    over, everywhere : NamedSharding
        By rows, and whole.
    """

    plain: Step
    over: NamedSharding
    everywhere: NamedSharding

    def __call__(self, state: Any, data: Any, rows: Any) -> Any:
        """Train on the mini-batch that the rows pick; all devices get the whole state."""
        after = self.plain(state, data, jax.lax.with_sharding_constraint(rows, self.over))
        return jax.lax.with_sharding_constraint(after, self.everywhere)


class Devices:
    """A scan on several devices: see `bpx.program.contract`.

    Parameters
    ----------
    devices : sequence of jax.Device
        The first one is where the arrays come from and go to.
    scan : Scan
        The engine for one device.
    """

    def __init__(self, devices: Sequence[jax.Device], scan: Scan) -> None:
        mesh = Mesh(np.array(devices), ("rows",))
        self._over = NamedSharding(mesh, PartitionSpec("rows"))
        self._everywhere = NamedSharding(mesh, PartitionSpec())
        self._scan = scan
        self._kept: dict[int, tuple[Any, Any]] = {}

    def __call__(
        self,
        step: Step,
        state: Any,
        data: Any,
        rows: Any,
        start: int,
        stop: int,
        donate: bool = False,
    ) -> Any:
        """Return the state after the steps from `start` to `stop`, on the first device."""
        entered = jax.device_put(state, self._everywhere)
        read = jax.tree.map(self._spread_once, data)
        picked = self._spread_once(rows)
        spread = Spread(step, self._over, self._everywhere)
        found = self._scan(spread, entered, read, picked, start, stop, donate)
        whole = jax.device_put(found, self._everywhere)  # XLA may have divided a result
        return jax.tree.map(lambda x: x.addressable_data(0), whole)

    def _spread_once(self, x: jax.Array) -> jax.Array:
        """Return an array on every device; it is copied there the first time only."""
        kept = self._kept.get(id(x))
        if kept is None or kept[0] is not x:
            while len(self._kept) >= KEPT:
                del self._kept[next(iter(self._kept))]
            kept = self._kept[id(x)] = x, jax.device_put(x, self._everywhere)
        return kept[1]


KEPT = 8
"""The most arrays that are kept on every device: samples, targets, weights and rows."""
