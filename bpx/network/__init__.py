"""Networks: their state, their computations, their training, and their files."""

from bpx.network.network import Network

__all__ = ["Network"]
