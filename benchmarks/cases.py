"""The cases that are timed, and the same problem for every peer.

Nothing is downloaded. `benchmarks.higgs` draws the data of H. All other cases have random
arrays, of MNIST's shape except in tiny: pixels from U(0, 1) and labels from 0 to 9. Every
product has the size that MNIST gives; only the accuracies mean nothing. Each layer's activation
chooses its initial weights: for ReLU the variance is 2/n_in, which keeps the size of the signal
through sixteen layers.
"""

from collections.abc import Iterator
from functools import partial
from itertools import count, groupby
from typing import Literal, NamedTuple

import numpy as np

import bpx
from benchmarks.higgs import FEATURES, higgs
from bpx.arrays.host import batches

__all__ = ["CASES", "MNIST", "MOMENTUM", "Case", "Problem", "network", "optimizer", "problem"]

MNIST = 50_000
MOMENTUM = 0.9


class Case(NamedTuple):
    """A network, and how it is trained.

    Attributes
    ----------
    name : str
    sizes : tuple of int
        k_0, ..., k_L.
    hidden : {"sigmoid", "relu", "tanh"}
    output, cost : {"sigmoid", "quadratic"}, or {"softmax" or "sigmoid", "cross_entropy"}
        One pair or another. A sigmoid with a cross-entropy is a single one.
    optimizer : {"sgd", "momentum", "adam"}
        Momentum is Polyak's, of `MOMENTUM`.
    eta : float
    batch, samples : int
        The samples of a mini-batch and of an epoch, which has whole batches only.
    """

    name: str
    sizes: tuple[int, ...]
    hidden: Literal["sigmoid", "relu", "tanh"]
    output: Literal["sigmoid", "softmax"]
    cost: Literal["quadratic", "cross_entropy"]
    optimizer: Literal["sgd", "momentum", "adam"]
    eta: float
    batch: int
    samples: int

    @property
    def steps(self) -> int:
        """The steps of an epoch."""
        return self.samples // self.batch

    @property
    def is_binary(self) -> bool:
        """Whether one output tells two classes apart."""
        return self.sizes[-1] == 1

    def lasting(self, samples: int) -> "Case":
        """The same case, with an epoch of as many whole batches as that many samples give."""
        return self._replace(samples=max(samples // self.batch, 1) * self.batch)

    @property
    def short(self) -> str:
        """Its name, widths and batch."""
        runs = ((width, len(list(same))) for width, same in groupby(self.sizes))
        widths = (f"[{k}]*{n}" if n > 2 else "-".join([str(k)] * n) for k, n in runs)
        return f"{self.name}: {'-'.join(widths)}, batch {self.batch}"

    def __str__(self) -> str:
        return (
            f"{self.short}, {self.hidden}, {self.output} with {self.cost}, "
            f"{self.optimizer}, epochs of {self.steps} steps"
        )


_S = Case("S", (784, 30, 10), "sigmoid", "sigmoid", "quadratic", "sgd", 3.0, 10, MNIST)
_M = Case(
    "M", (784, 512, 512, 10), "relu", "softmax", "cross_entropy", "adam", 1e-3, 128, 12_800
)
_H = Case(
    *("H", (FEATURES, *[300] * 5, 1), "tanh", "sigmoid", "cross_entropy", "momentum"),
    *(0.05, 100, 100_000),
)

CASES = {
    case.name: case
    for case in (
        _S,
        _M,
        _M._replace(name="L", sizes=(784, 4096, 4096, 10), batch=1024, samples=16_384),
        _M._replace(name="deep", sizes=(784, *[64] * 16, 10), batch=64),
        _M._replace(name="wide", batch=8192, samples=32_768),
        _H,
        _M._replace(name="tiny", sizes=(4, 64, 64, 2), batch=64, samples=64_000),
    )
}
"""A step of L takes most of a second on a CPU, so its epoch has a third of MNIST's steps. H has
the network, the batch size, and the first rate and momentum of Baldi et al. (2014).
"""


class Problem(NamedTuple):
    """A case with its numbers: every peer starts from the same weights, in the same order.

    Attributes
    ----------
    case : Case
    x : ndarray of float32, shape (samples, k_0)
    y : ndarray of int32, shape (samples,)
    seed : int
    device : {"cpu", "cuda"}
        Where it is to be trained.
    """

    case: Case
    x: np.ndarray
    y: np.ndarray
    seed: int
    device: str

    def parameters(self) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
        """Fresh w and b, float32 of shapes (k_l, k_{l-1}) and (k_l,)."""
        net = network(self.case, self.seed, "numpy")
        return net.weights, net.biases

    def orders(self) -> Iterator[np.ndarray]:
        """Each epoch's mini-batches, int32 of shape (steps, batch), drawn on demand."""
        n, batch = self.case.samples, self.case.batch
        for epoch in count(1):
            yield batches(self.seed, epoch, n, batch, shuffle=True)[0]


def problem(case: Case, seed: int = 0, device: str = "cpu") -> Problem:
    """The arrays of a case."""
    rng = np.random.default_rng(seed)
    if case.is_binary:
        return Problem(case, *higgs(case.samples, rng), seed, device)
    x = rng.random((case.samples, case.sizes[0]), dtype=np.float32)
    y = rng.integers(case.sizes[-1], size=case.samples, dtype=np.int32)
    return Problem(case, x, y, seed, device)


def network(case: Case, seed: int, backend: str) -> bpx.Network:
    """A case's network, with bpx's initial weights."""
    return bpx.Network(
        case.sizes,
        hidden=case.hidden,
        output=case.output,
        cost=case.cost,
        seed=seed,
        backend=backend,
        dtype="float32",
    )


def optimizer(case: Case) -> bpx.Optimizer:
    """A case's optimizer."""
    rules = {"sgd": bpx.SGD, "momentum": partial(bpx.SGD, momentum=MOMENTUM), "adam": bpx.Adam}
    return rules[case.optimizer](case.eta)
