"""The cases of `benchmarks.cases` that are compared, written down again.

A child may import nothing that can move. The epochs are shorter: the samples then stay in the
cache, where processes of the same code do not differ by where their memory lies.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

import bpx

__all__ = ["CASES", "Case"]

BOOK = {"hidden": "sigmoid", "output": "sigmoid", "cost": "quadratic"}
RELU = {"hidden": "relu", "output": "softmax", "cost": "cross_entropy"}


@dataclass(frozen=True)
class Case:
    """A network, and how it is trained: see `benchmarks.cases.Case`."""

    sizes: tuple[int, ...]
    parts: dict[str, Any]
    optimizer: Any
    batch: int
    samples: int

    def network(self, backend: str = "numpy") -> bpx.Network:
        """A network before its training, in float32."""
        return bpx.Network(self.sizes, **self.parts, seed=0, backend=backend, dtype="float32")

    def data(self) -> tuple[Any, Any]:
        """Random pixels and labels."""
        rng = np.random.default_rng(0)
        x = rng.random((self.samples, self.sizes[0]), dtype=np.float32)
        return x, rng.integers(self.sizes[-1], size=self.samples, dtype=np.int32)

    def program(self, optimizer: Any = None, lmbda: float = 0.0) -> Any:
        """One step, with another optimizer or a penalty if given."""
        how = {"optimizer": optimizer or self.optimizer, "lmbda": lmbda}
        return self.network().program(batch_size=self.batch, **how)

    def fit(self, network: bpx.Network, data: tuple[Any, Any], epochs: int) -> None:
        """Train a network."""
        how = {"batch_size": self.batch, "optimizer": self.optimizer, "seed": 0}
        network.fit(*data, epochs=epochs, **how)


CASES = {
    "S": Case((784, 30, 10), BOOK, bpx.SGD(3.0), 10, 2_000),
    "M": Case((784, 512, 512, 10), RELU, bpx.Adam(), 128, 2_560),
    "deep": Case((784, *[64] * 16, 10), RELU, bpx.Adam(), 64, 2_560),
}
