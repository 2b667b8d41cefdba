"""A network: what it holds, what it computes, its training, and its file."""

from bpx.network.network import Network

__all__ = ["Network"]
