"""Modules for what a network has and PyTorch has no module for."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from bpx.io.layers import called
from bpx.layers.layer import Context

__all__ = ["Layer", "Residual", "Sigma", "averages", "context", "entry_of", "move_averages"]


class Sigma(nn.Module):
    """An activation of bpx: a = sigma(z), which PyTorch differentiates."""

    def __init__(self, activation: Any) -> None:
        super().__init__()
        self.activation = activation

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """a = sigma(z)."""
        return self.activation.sigma(z)

    def extra_repr(self) -> str:
        """Return the activation's name."""
        return repr(self.activation.name)


class Residual(nn.Sequential):
    """A block of modules f with a skip around it: a = x + f(x)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x + f(x)."""
        return x + super().forward(x)


class Layer(nn.Module):
    """A layer of bpx by its forward equation, which PyTorch differentiates.

    Its arrays have the names that `Network.save` gives them: parameters if the layer learns
    them, else buffers.
    """

    def __init__(self, layer: Any, arrays: Mapping[str, torch.Tensor]) -> None:
        super().__init__()
        self.layer = layer
        for field, array in arrays.items():
            if field in getattr(layer, "learned", layer.shapes):
                self.register_parameter(called(layer, field), nn.Parameter(array))
            else:
                self.register_buffer(called(layer, field), array)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Compute the layer's output; in training, move what it averages."""
        layer = self.layer
        entry = entry_of(layer, self)
        saved = layer.forward(entry, x, context(layer, self.training, x))
        if self.training:
            move_averages(layer, self, iter(averages(layer, entry, saved)))
        return saved.a

    def extra_repr(self) -> str:
        """Return the layer."""
        return repr(self.layer)


def entry_of(layer: Any, module: nn.Module) -> Any:
    """A layer's parameters, as they are in its module."""
    return layer.entry({field: getattr(module, called(layer, field)) for field in layer.shapes})


def averages(layer: Any, entry: Any, saved: Any) -> tuple[torch.Tensor, ...]:
    """What a layer averages, after a forward pass in training: see `bpx.layers.Layer`."""
    if not hasattr(layer, "averaged"):
        return ()
    moved = layer.averaged(entry, saved)
    return tuple(getattr(moved, field).detach() for field in _averaged(layer))


def move_averages(layer: Any, module: nn.Module, found: Iterator[torch.Tensor]) -> None:
    """Write the next averages into the buffers of the layer's module."""
    for field in _averaged(layer):
        getattr(module, called(layer, field)).copy_(next(found))
    if hasattr(module, "num_batches_tracked"):
        module.num_batches_tracked.add_(1)


def _averaged(layer: Any) -> list[str]:
    learned = getattr(layer, "learned", layer.shapes)
    return [field for field in layer.shapes if field not in learned]


def context(layer: Any, training: bool, like: torch.Tensor) -> Context:
    """Return a layer's context; what it draws in training follows PyTorch's own generator.

    So ``torch.manual_seed`` repeats it, and checkpointing draws the same again.
    """
    if not (training and layer.draws):
        return Context(training)
    words = {"dtype": torch.int32, "device": like.device}
    key = torch.randint(-(2**31), 2**31, (2,), **words)
    return Context(True, key, torch.zeros(1, **words))
