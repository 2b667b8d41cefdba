"""The kinds of layers; each is a frozen value that owns its equations."""

from typing import Any

from bpx.layers.dense import Dense
from bpx.layers.dropout import Dropout
from bpx.layers.layer import Context, Layer

__all__ = ["LAYERS", "Context", "Dense", "Dropout", "Layer"]

LAYERS: dict[str, type[Any]] = {"dense": Dense, "dropout": Dropout}
"""The kinds of layers, by their names in files."""
