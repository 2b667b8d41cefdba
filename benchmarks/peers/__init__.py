"""Those that are timed side by side: bpx, and the same training written by hand elsewhere.

A peer is a function ``prepare(problem) -> train`` in a module of its framework, and a row
of the table below. Calling ``train()`` trains one more epoch, has finished it when it
returns, and gives the epoch's mean cost and accuracy, each batch measured before its update.
Every peer does the same work from the same weights in the same order: it draws the epoch's
order, gathers each mini-batch by index from arrays that stay where they are, steps, and
keeps running sums of cost and accuracy that are read once, at the end.
"""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple

from benchmarks.cases import Problem

__all__ = ["PEERS", "Outcome", "Peer", "Train", "available"]


class Outcome(NamedTuple):
    """An epoch's mean cost and accuracy; None where a peer has none to give."""

    cost: float | None = None
    accuracy: float | None = None


Train = Callable[[], Outcome]
"""Trains one more epoch."""


class Peer(NamedTuple):
    """One row: what it is called, the package it needs, and its ``module:function``.

    Attributes
    ----------
    name, needs, where : str
    equal : bool
        Whether it does all of the work above, and so comes to the same cost.
    """

    name: str
    needs: str
    where: str
    equal: bool = True

    def prepare(self, problem: Problem) -> Train:
        """Bring the problem to the framework; nothing is imported before."""
        module, _, function = self.where.partition(":")
        train: Train = getattr(import_module(f"{__name__}.{module}"), function)(problem)
        return train


PEERS = (
    Peer("bpx numpy", "numpy", "_bpx:on_numpy"),
    Peer("bpx torch", "torch", "_bpx:on_torch"),
    Peer("bpx jax", "jax", "_bpx:on_jax"),
    Peer("NumPy by hand", "numpy", "_numpy:by_hand"),
    Peer("PyTorch eager", "torch", "_torch:eager"),
    Peer("JAX scan", "jax", "_jax:scan"),
    Peer("JAX jit per step", "jax", "_jax:per_step"),
    Peer("scikit-learn", "sklearn", "_sklearn:fit", equal=False),
    Peer("products alone", "numpy", "_numpy:products", equal=False),
)


def available() -> tuple[Peer, ...]:
    """The peers whose package is installed."""
    return tuple(peer for peer in PEERS if find_spec(peer.needs))
