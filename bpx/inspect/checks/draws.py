"""Random samples to try formulas on, drawn on the host from a seed, the same everywhere."""

from collections.abc import Mapping
from typing import Any

from bpx._typing import Array
from bpx.arrays.home import Home
from bpx.arrays.host import as_host
from bpx.arrays.registry import namespace
from bpx.costs import Cost
from bpx.random import fold_in, key_words, normal, uniform

__all__ = ["Draws", "sums_to_one"]


class Draws:
    """Draws arrays at a home, in its dtype, each from its own stream.

    Parameters
    ----------
    home : Home
    seed : int
    """

    def __init__(self, home: Home, seed: int) -> None:
        self._home = home
        self._key = as_host(list(key_words(seed)), "seed").astype("int32")
        self._dtype = namespace(self._key).float64
        self._drawn = 0

    def normal(self, *shape: int) -> Array:
        """Standard normal numbers."""
        return self._at_home(normal(self._stream(), 0, shape, self._dtype))

    def uniform(self, *shape: int) -> Array:
        """Uniform numbers in [0.05, 0.95)."""
        return self._at_home(0.05 + 0.9 * uniform(self._stream(), 0, shape, self._dtype))

    def signs(self, *shape: int) -> Array:
        """1 or −1."""
        half = uniform(self._stream(), 0, shape, self._dtype) < 0.5
        return self._at_home(2.0 * half - 1.0)

    def widely(self, n: int, k: int) -> Array:
        """Normal numbers whose scale goes from 0.002 to 20, row by row."""
        z = normal(self._stream(), 0, (n, k), self._dtype)
        xp = namespace(z)
        share = xp.linspace(-1.0, 1.0, n, dtype=z.dtype)
        return self._at_home(0.2 * z * xp.exp(4.6 * share)[:, None])

    def inputs(self, n: int, k: int, codes: Mapping[int, int]) -> Array:
        """Standard normal numbers, and codes in the columns that hold them."""
        if not codes:
            return self.normal(n, k)
        x = normal(self._stream(), 0, (n, k), self._dtype)
        for column, levels in codes.items():
            x[:, column] = uniform(self._stream(), 0, (n,), self._dtype) * levels // 1.0
        return self._at_home(x)

    def targets(self, cost: Cost, n: int, k: int) -> Array:
        """Targets for which a cost is defined."""
        if cost.targets == "real":
            return self.normal(n, k)
        if cost.targets == "binary":
            return 0.5 * (self.signs(n, k) + 1.0)
        y = self.uniform(n, k)
        if cost.targets == "one_hot":
            return _largest(y)
        return sums_to_one(y) if cost.targets == "distribution" else y

    def _stream(self) -> Any:
        self._drawn += 1
        return fold_in(self._key, self._drawn)

    def _at_home(self, x: Any) -> Array:
        arrived: Array = self._home.asarray(x)
        return arrived


def _largest(y: Array) -> Array:
    """1 for the largest of each row, 0 for the rest."""
    xp = namespace(y)
    return xp.astype(y == xp.max(y, axis=1, keepdims=True), y.dtype)


def sums_to_one(y: Array) -> Array:
    """The rows, each divided by its sum."""
    return y / namespace(y).sum(y, axis=1, keepdims=True)
