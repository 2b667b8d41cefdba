"""The peers that are timed side by side: bpx, and the same work in other libraries.

A peer is a row of the table below: two functions in a module of its framework.

``training(problem) -> train``: ``train()`` trains one more epoch, finishes it before it
returns, and returns the epoch's mean cost and accuracy, with each batch measured before its
update. Every peer does the same work from the same weights in the same order: it draws the
epoch's order, gathers each mini-batch by index from arrays that stay on the device, takes the
step, and keeps running sums of cost and accuracy, which it reads once, at the end.

``answering(problem, batch) -> answer``: ``answer()`` computes the outputs for the first `batch`
samples, which lie on the device, and finishes before it returns them.
"""

from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

from benchmarks import cuda, precision
from benchmarks.cases import Problem

__all__ = [
    "PEERS",
    "PRODUCTS",
    "Answer",
    "Outcome",
    "Peer",
    "Train",
    "available",
    "trainers",
    "why_not",
]

PRODUCTS = "products alone"


class Outcome(NamedTuple):
    """An epoch's mean cost and accuracy; None where a peer computes none."""

    cost: float | None = None
    accuracy: float | None = None


Train = Callable[[], Outcome]
"""Trains one more epoch."""

Answer = Callable[[], Any]
"""Returns the outputs, on the device."""


class Peer(NamedTuple):
    """One row.

    Attributes
    ----------
    name : str
    imports : tuple of str
        The modules that a user of it imports; the last one's package must be installed.
    module : str
        The module in this folder.
    training, answering : str or None
        Its functions; None if that is not measured.
    devices : tuple of {"cpu", "cuda"}
        Where it runs.
    equal : bool
        Whether it does all of the work above, and so reaches the same cost.
    """

    name: str
    imports: tuple[str, ...]
    module: str
    training: str | None
    answering: str | None = None
    devices: tuple[str, ...] = ("cpu", "cuda")
    equal: bool = True

    def trains(self, problem: Problem) -> Train:
        """Bring the problem to the framework; nothing is imported before this."""
        return self._function(self.training)(problem)

    def answers(self, problem: Problem, batch: int) -> Answer:
        """The same, for inference."""
        return self._function(self.answering)(problem, batch)

    def _function(self, name: str | None) -> Any:
        module = import_module(f"{__name__}.{self.module}")
        precision.apply()
        return getattr(module, name or "")


_CPU, _CUDA = ("cpu",), ("cuda",)
_NUMPY = ("bpx", "bpx_backends._numpy")
_TORCH = ("bpx", "bpx_backends._torch", "torch")
_JAX = ("bpx", "bpx_backends._jax", "jax")
_CUPY = ("bpx", "bpx_backends._cupy", "cupy")

PEERS = (
    Peer("bpx numpy", (*_NUMPY, "numpy"), "_bpx", "numpy", "answers_numpy", _CPU),
    Peer("bpx numpy+numba", (*_NUMPY, "numba"), "_bpx", "numba", None, _CPU),
    Peer("bpx torch", _TORCH, "_bpx", "torch", "answers_torch"),
    Peer("bpx jax", _JAX, "_bpx", "jax", "answers_jax"),
    Peer("bpx cupy", _CUPY, "_bpx", "cupy", "answers_cupy", _CUDA),
    Peer("NumPy by hand", ("numpy",), "_numpy", "by_hand", None, _CPU),
    Peer("PyTorch eager", ("torch",), "_torch", "eager", "answers"),
    Peer("PyTorch compile", ("torch",), "_torch", "compiled"),
    Peer("PyTorch CUDA graphs", ("torch",), "_torch", "graphed", None, _CUDA),
    Peer("JAX scan", ("jax.numpy",), "_jax", "scan"),
    Peer("JAX jit per step", ("jax.numpy",), "_jax", "per_step"),
    Peer("JAX jit", ("jax.numpy",), "_jax", None, "answers"),
    Peer(
        *("scikit-learn", ("sklearn.neural_network",), "_sklearn", "fit", "answers"),
        devices=_CPU,
        equal=False,
    ),
    Peer(PRODUCTS, ("numpy",), "_numpy", "products", None, _CPU, equal=False),
    Peer(PRODUCTS, ("torch",), "_torch", "products", None, _CUDA, equal=False),
)


def trainers(peers: Iterable[Peer]) -> list[Peer]:
    """The peers that train a network."""
    return [peer for peer in peers if peer.training and peer.name != PRODUCTS]


def available(device: str) -> tuple[tuple[Peer, ...], dict[str, str]]:
    """The peers that can run on a device, and why the others cannot."""
    reasons = {peer: why_not(peer, device) for peer in PEERS}
    here = tuple(peer for peer, reason in reasons.items() if reason is None)
    names = {peer.name for peer in here}
    return here, {
        peer.name: reason
        for peer, reason in reasons.items()
        if reason and peer.name not in names
    }


def why_not(peer: Peer, device: str) -> str | None:
    """Why a peer cannot run on a device; None if it can."""
    if device not in peer.devices:
        return f"not on the {'GPU' if device == 'cuda' else 'CPU'}"
    library = peer.imports[-1].partition(".")[0]
    if not find_spec(library):
        return f"{library} is not installed"
    if device == "cuda" and not cuda.sees(library):
        return f"{library} sees no CUDA device"
    return None
