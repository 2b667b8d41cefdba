"""The kinds of layers; each is a frozen value that owns its equations."""

from typing import Any

from bpx.layers.dense import Dense
from bpx.layers.dropout import Dropout
from bpx.layers.layer import Context, Layer
from bpx.layers.residual import Add

__all__ = ["LAYERS", "Add", "Context", "Dense", "Dropout", "Layer"]

LAYERS: dict[str, type[Any]] = {
    "add": Add,
    "dense": Dense,
    "dropout": Dropout,
}
"""The kinds of layers, by their names in files."""
