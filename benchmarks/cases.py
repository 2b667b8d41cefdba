"""What is trained for time: the cases, and the same problem for every peer.

The data are random arrays of MNIST's shape, so that none need be downloaded: pixels from
U(0, 1) and labels from 0 to 9. Every product is of the size that MNIST gives; only the
accuracies mean nothing.
"""

from collections.abc import Iterator
from itertools import count
from typing import Literal, NamedTuple

import numpy as np

import bpx
from bpx.host import batches

__all__ = ["CASES", "Case", "Problem", "problem"]


class Case(NamedTuple):
    """A network, and how it is trained.

    Attributes
    ----------
    name : str
    sizes : tuple of int
        k_0, ..., k_L.
    hidden : {"sigmoid", "relu"}
    output, cost : {"sigmoid", "quadratic"} or {"softmax", "cross_entropy"}
        One pair or the other.
    optimizer : {"sgd", "adam"}
    eta : float
    batch, samples : int
        Of a mini-batch and of an epoch, which has whole batches only.
    """

    name: str
    sizes: tuple[int, ...]
    hidden: Literal["sigmoid", "relu"]
    output: Literal["sigmoid", "softmax"]
    cost: Literal["quadratic", "cross_entropy"]
    optimizer: Literal["sgd", "adam"]
    eta: float
    batch: int
    samples: int

    @property
    def steps(self) -> int:
        """The steps of an epoch."""
        return self.samples // self.batch

    def __str__(self) -> str:
        widths = "-".join(map(str, self.sizes))
        return (
            f"{self.name}: {widths}, {self.hidden}, {self.output} with {self.cost}, "
            f"{self.optimizer}, batch {self.batch}, epochs of {self.steps} steps"
        )


CASES = {
    case.name: case
    for case in (
        Case("S", (784, 30, 10), "sigmoid", "sigmoid", "quadratic", "sgd", 3.0, 10, 50_000),
        Case(
            "M",
            (784, 512, 512, 10),
            "relu",
            "softmax",
            "cross_entropy",
            "adam",
            1e-3,
            128,
            12_800,
        ),
    )
}


class Problem(NamedTuple):
    """A case with its numbers: every peer starts from these weights and takes this order.

    Attributes
    ----------
    case : Case
    x : ndarray of float32, shape (samples, k_0)
    y : ndarray of int32, shape (samples,)
    w, b : tuples of ndarrays of float32, shapes (k_l, k_{l-1}) and (k_l,)
    seed : int
    """

    case: Case
    x: np.ndarray
    y: np.ndarray
    w: tuple[np.ndarray, ...]
    b: tuple[np.ndarray, ...]
    seed: int

    def orders(self) -> Iterator[np.ndarray]:
        """Each epoch's mini-batches, int32 of shape (steps, batch), drawn when asked for."""
        n, batch = self.case.samples, self.case.batch
        for epoch in count(1):
            yield batches(self.seed, epoch, n, batch, shuffle=True)[0]


def problem(case: Case, seed: int = 0) -> Problem:
    """The numbers of a case."""
    rng = np.random.default_rng(seed)
    x = rng.random((case.samples, case.sizes[0]), dtype=np.float32)
    y = rng.integers(case.sizes[-1], size=case.samples, dtype=np.int32)
    network = bpx.Network(
        case.sizes,
        hidden=case.hidden,
        output=case.output,
        cost=case.cost,
        seed=seed,
        backend="numpy",
        dtype="float32",
    )
    return Problem(case, x, y, network.weights, network.biases, seed)
