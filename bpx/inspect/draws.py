"""Random samples to try formulas on: drawn from a seed, the same on every backend."""

from bpx._typing import Array
from bpx.backend import namespace
from bpx.costs import Cost
from bpx.random import fold_in, key_words, normal, uniform
from bpx.selection import Home

__all__ = ["Draws", "sums_to_one"]


class Draws:
    """Arrays at a home, each of a stream of its own.

    Parameters
    ----------
    home : Home
        Where they are made, in its dtype.
    seed : int
    """

    def __init__(self, home: Home, seed: int) -> None:
        self._key = home.asarray(list(key_words(seed)), "int32")
        self._dtype = getattr(home.backend.xp, home.dtype)
        self._drawn = 0

    def normal(self, *shape: int) -> Array:
        """Standard normal numbers."""
        return normal(self._stream(), 0, shape, self._dtype)

    def uniform(self, *shape: int) -> Array:
        """Uniform numbers in [0.05, 0.95)."""
        return 0.05 + 0.9 * uniform(self._stream(), 0, shape, self._dtype)

    def signs(self, *shape: int) -> Array:
        """1 or −1."""
        half = self.uniform(*shape) - 0.5
        return namespace(half).sign(half)

    def widely(self, n: int, k: int) -> Array:
        """Normal numbers whose scale goes from 0.002 to 20, row by row."""
        z = self.normal(n, k)
        xp = namespace(z)
        share = xp.linspace(-1.0, 1.0, n, dtype=z.dtype, device=getattr(z, "device", None))
        return 0.2 * z * xp.exp(4.6 * share)[:, None]

    def targets(self, cost: Cost, n: int, k: int) -> Array:
        """Targets that a cost has a meaning for."""
        if cost.targets == "real":
            return self.normal(n, k)
        y = self.uniform(n, k)
        return sums_to_one(y) if cost.targets == "distribution" else y

    def _stream(self) -> Array:
        self._drawn += 1
        return fold_in(self._key, self._drawn)


def sums_to_one(y: Array) -> Array:
    """The rows, each divided by its sum."""
    return y / namespace(y).sum(y, axis=1, keepdims=True)
