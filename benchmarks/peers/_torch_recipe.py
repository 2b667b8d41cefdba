"""A recipe in PyTorch as its users write it: nn.Sequential, autograd, AdamW(fused), OneCycleLR.

The data are resident tensors, and a mini-batch is gathered by `index_select`. Cost and hits are
summed in tensors, as bpx sums them, without ``.item()`` before the end of the epoch.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks.peers._torch import linear
from benchmarks.recipes import Recipe, Training, network

__all__ = ["accuracy", "epochs", "model"]

_NORMS = {"layer": nn.LayerNorm, "batch": nn.BatchNorm1d}


def model(recipe: Recipe, seed: int) -> nn.Sequential:
    """The layers of the recipe, up to the logits, with the initial weights of bpx."""
    torch.manual_seed(seed)
    dense = [linear(*each) for each in _parameters(recipe, seed)]
    layers: list[nn.Module] = []
    for rate, layer in zip(recipe.dropout, dense, strict=True):
        layers += [nn.Dropout(rate)] if rate else []
        layers += [layer, nn.ReLU()]
        layers += [_NORMS[recipe.norm](layer.out_features)] if recipe.norm else []
    return nn.Sequential(*layers[: -2 if recipe.norm else -1])


def epochs(
    net: nn.Sequential, recipe: Recipe, x: np.ndarray, y: np.ndarray, seed: int
) -> Training:
    """Train a model, one epoch for each ``next``."""
    order = torch.Generator().manual_seed(seed)
    inputs, labels = torch.from_numpy(x), torch.from_numpy(y).long()
    steps = -(-len(inputs) // recipe.batch)
    rule, schedule = _optimizer(recipe, net, recipe.epochs * steps)
    net.train()
    for _ in range(recipe.epochs):
        cost, hits = torch.zeros(()), torch.zeros((), dtype=torch.int64)
        for rows in torch.randperm(len(inputs), generator=order).split(recipe.batch):
            wanted = labels.index_select(0, rows)
            outputs = net(inputs.index_select(0, rows))
            loss = functional.cross_entropy(outputs, wanted, label_smoothing=recipe.smoothing)
            rule.zero_grad()
            loss.backward()
            rule.step()
            if schedule is not None:
                schedule.step()
            cost += loss.detach()
            hits += (outputs.argmax(dim=1) == wanted).sum()
        hits.item()
        yield cost.item() / steps


@torch.inference_mode()
def accuracy(net: nn.Sequential, x: np.ndarray, y: np.ndarray) -> float:
    """The share of samples whose largest output is the label's."""
    net.eval()
    return float((net(torch.from_numpy(x)).argmax(dim=1).numpy() == y).mean())


def _optimizer(recipe: Recipe, net: nn.Module, steps: int) -> tuple[Any, Any]:
    groups: dict[bool, list[nn.Parameter]] = {True: [], False: []}
    for each in net.parameters():
        groups[each.ndim > 1].append(each)  # only weights decay
    decays = [
        {"params": each, "weight_decay": recipe.decay if decay else 0.0}
        for decay, each in groups.items()
    ]
    rule = torch.optim.AdamW(decays, lr=recipe.peak, fused=True)
    if not recipe.cycle:
        return rule, None
    return rule, torch.optim.lr_scheduler.OneCycleLR(
        rule, recipe.peak, total_steps=steps, cycle_momentum=False
    )


def _parameters(recipe: Recipe, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    net = network(recipe, seed)
    return zip(net.weights, net.biases, strict=True)
