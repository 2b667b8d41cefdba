"""The kinds of layers; each is a frozen value that owns its equations."""

from typing import Any

from bpx.layers.dense import Dense
from bpx.layers.dropout import Dropout
from bpx.layers.embedding import Embedding
from bpx.layers.layer import Context, Layer
from bpx.layers.periodic import Periodic

__all__ = ["LAYERS", "Context", "Dense", "Dropout", "Embedding", "Layer", "Periodic"]

LAYERS: dict[str, type[Any]] = {
    "dense": Dense,
    "dropout": Dropout,
    "embedding": Embedding,
    "periodic": Periodic,
}
"""The kinds of layers, by their names in files."""
