"""The kinds of layers; each is a frozen value that owns its equations."""

from typing import Any

from bpx.layers.batch_norm import BatchNorm
from bpx.layers.dense import Dense
from bpx.layers.dropout import Dropout
from bpx.layers.embedding import Embedding
from bpx.layers.layer import Context, Layer
from bpx.layers.layer_norm import LayerNorm
from bpx.layers.periodic import Periodic
from bpx.layers.residual import Add

__all__ = [
    "LAYERS",
    "Add",
    "BatchNorm",
    "Context",
    "Dense",
    "Dropout",
    "Embedding",
    "Layer",
    "LayerNorm",
    "Periodic",
]

LAYERS: dict[str, type[Any]] = {
    "add": Add,
    "dense": Dense,
    "dropout": Dropout,
    "layer_norm": LayerNorm,
    "batch_norm": BatchNorm,
    "embedding": Embedding,
    "periodic": Periodic,
}
"""The kinds of layers, by their names in files."""
