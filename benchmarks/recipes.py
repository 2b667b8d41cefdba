"""Whole recipes: the same network, optimizer and schedule for bpx and for PyTorch.

A recipe has ReLU, a softmax output with cross-entropy, and AdamW or Adam, whose learning rate
follows one cycle or stays as it is. If it says so, it has dropout, LayerNorm or BatchNorm, and
smoothed labels.
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np

import bpx

__all__ = ["Recipe", "epochs", "network", "optimizer"]

_NORMS = {"layer": bpx.LayerNorm, "batch": bpx.BatchNorm}
Training = Iterator[float]
"""Each ``next`` trains for one epoch, and returns its mean cost."""


class Recipe(NamedTuple):
    """What there is to know about a run but its data and its seed.

    Attributes
    ----------
    sizes : tuple of int
        k_0, ..., k_L.
    dropout : tuple of float
        The rate for the inputs, then for each hidden layer.
    norm : "layer", "batch" or None
    epochs, batch : int
    peak : float
        The learning rate; at the top of the cycle if there is one.
    cycle : bool
        Whether it follows one cycle (bpx.optim.cosine_onecycle_schedule, and PyTorch's
        OneCycleLR) over all epochs.
    decay : float
        AdamW's decoupled decay; 0 for Adam.
    smoothing : float
        Of the labels.
    """

    sizes: tuple[int, ...]
    dropout: tuple[float, ...]
    norm: Literal["layer", "batch"] | None
    epochs: int
    batch: int
    peak: float
    cycle: bool = True
    decay: float = 0.01
    smoothing: float = 0.0

    @property
    def short(self) -> str:
        """The recipe in one line."""
        rate = f"one cycle to {self.peak:g}" if self.cycle else f"eta {self.peak:g}"
        rule = f"AdamW, decay {self.decay:g}" if self.decay else "Adam"
        norm = [_NORMS[self.norm].__name__] if self.norm else []
        rates = ", ".join(f"{each:g}" for each in self.dropout)
        dropped = [f"dropout {rates}"] if any(self.dropout) else []
        smooth = [f"labels smoothed by {self.smoothing:g}"] if self.smoothing else []
        parts = ["-".join(map(str, self.sizes)), "ReLU", *norm, *dropped, *smooth, rule, rate]
        return f"{', '.join(parts)}, {self.epochs} epochs of mini-batches of {self.batch}"


def network(recipe: Recipe, seed: int, backend: str = "numpy") -> bpx.Network:
    """The network, untrained."""
    (*hidden, last), layers = recipe.sizes[1:], []
    relu, softmax = bpx.activations.get("relu"), bpx.activations.get("softmax")
    before = recipe.sizes[0]
    for rate, width in zip(recipe.dropout, hidden, strict=False):
        layers += [bpx.Dropout(before, rate)] if rate else []
        layers += [bpx.Dense(before, width, relu)]
        layers += [_NORMS[recipe.norm](width)] if recipe.norm else []
        before = width
    layers += [bpx.Dropout(before, recipe.dropout[-1])] if recipe.dropout[-1] else []
    layers += [bpx.Dense(before, last, softmax)]
    cost = bpx.costs.cross_entropy(label_smoothing=recipe.smoothing)
    return bpx.Network(layers, cost=cost, seed=seed, backend=backend)


def optimizer(recipe: Recipe) -> bpx.optim.Optimizer:
    """The rule with its schedule."""
    eta = (
        bpx.optim.cosine_onecycle_schedule(recipe.peak)
        if recipe.cycle
        else bpx.optim.constant_schedule(recipe.peak)
    )
    return bpx.AdamW(eta, decay=recipe.decay) if recipe.decay else bpx.Adam(eta)


def epochs(
    net: bpx.Network, recipe: Recipe, x: np.ndarray, y: np.ndarray, seed: int
) -> Training:
    """Train a network, one epoch for each ``next``."""
    for epoch in bpx.train(
        net,
        (x, y),
        epochs=recipe.epochs,
        batch_size=recipe.batch,
        optimizer=optimizer(recipe),
        seed=seed,
    ):
        yield epoch.cost


def accuracy(net: bpx.Network, x: np.ndarray, y: np.ndarray) -> float:
    """The share of samples whose largest output is the label's."""
    return net.evaluate(x, y).accuracy or 0.0
