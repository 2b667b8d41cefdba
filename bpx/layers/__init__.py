"""The kinds of layers: each a file, a frozen value that owns its equations."""

from bpx.layers.dense import Dense
from bpx.layers.layer import Context, Layer

__all__ = ["Context", "Dense", "Layer"]
